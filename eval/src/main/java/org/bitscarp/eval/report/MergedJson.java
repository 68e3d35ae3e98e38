package org.bitscarp.eval.report;

import org.bitscarp.eval.report.MergedSweeps.Entry;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code merged.json} ({@link MergedSweeps#SCHEMA}): rows as in {@code results.json}, and what only a comparison has. */
final class MergedJson {
    private MergedJson() {}

    static String render(MergedSweeps merged) {
        JsonMapper mapper = JsonMapper.shared();
        ObjectNode root = mapper.createObjectNode();
        root.put("schema", MergedSweeps.SCHEMA);
        SweepResult.Text text = merged.sweeps().getFirst().text();
        root.putObject("text")
                .put("name", text.name())
                .put("sha256", text.sha256())
                .put("bytes", text.bytes());
        root.putObject("protocol")
                .put("name", merged.protocol().name())
                .put("context", merged.protocol().context())
                .put("stride", merged.protocol().stride());
        root.put("quality", merged.perByte() ? "bits_per_byte" : "perplexity");
        ArrayNode sweeps = root.putArray("sweeps");
        for (int s = 0; s < merged.sweeps().size(); s++) {
            sweep(sweeps.addObject(), merged, s);
        }
        ArrayNode frontier = root.putArray("frontier");
        for (Entry entry : merged.frontier()) {
            ObjectNode node = frontier.addObject().put("sweep", entry.sweep());
            node.put("series", merged.name(entry))
                    .put("level", entry.row().level())
                    .put("bytes", entry.row().bytes());
            JsonReport.number(node, "quality", merged.quality(entry));
        }
        ArrayNode notes = root.putArray("notes");
        merged.notes().forEach(notes::add);
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root).replace("\r\n", "\n") + "\n";
    }

    private static void sweep(ObjectNode node, MergedSweeps merged, int index) {
        SweepResult sweep = merged.sweeps().get(index);
        node.put("folder", merged.sources().get(index));
        node.put("bitscarp", sweep.bitscarp());
        JsonReport.model(node, sweep.model());
        JsonReport.text(node, sweep.text());
        JsonReport.protocol(node.putObject("protocol"), sweep.protocols().getFirst());
        node.put("device", sweep.device())
                .put("compute", sweep.compute())
                .put("calibration", sweep.calibration())
                .put("command", sweep.command())
                .put("started", sweep.started());
        JsonReport.number(node, "seconds", sweep.seconds());
        ArrayNode rows = node.putArray("rows");
        for (Entry entry : merged.entries()) {
            if (entry.sweep() == index) {
                node.put("series", merged.name(entry));
                ObjectNode row = rows.addObject();
                JsonReport.row(row, entry.row());
                row.put("frontier", merged.frontier().contains(entry));
            }
        }
    }
}
