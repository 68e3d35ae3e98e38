package org.bitscarp.eval.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.bitscarp.eval.report.SensitivityResult.Measure;
import org.bitscarp.eval.report.SensitivityResult.Part;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The files of a sensitivity run: {@code sensitivity.html}, {@code .md}, {@code .csv} and {@code .json}. */
public final class SensitivityReports {
    public static final String HTML = "sensitivity.html";
    /** Parts in the tables for people; the CSV and JSON files have all. */
    private static final int SHOWN = 40;

    private SensitivityReports() {}

    /** Writes all four files into {@code folder}; none is touched before all are on the disk under temporary names. */
    public static void writeAll(SensitivityResult result, Path folder) throws IOException {
        SequencedMap<Path, String> files = new LinkedHashMap<>();
        files.put(folder.resolve(HTML), html(result));
        files.put(folder.resolve("sensitivity.md"), markdown(result));
        files.put(folder.resolve("sensitivity.csv"), csv(result));
        files.put(folder.resolve("sensitivity.json"), json(result));
        Files.createDirectories(folder);
        StagedFiles.write(files, StagedFiles::toDisk);
    }

    /** Verdict and table for a terminal. */
    public static String console(SensitivityResult result, int most) {
        StringBuilder out = new StringBuilder();
        List<List<String>> rows = SensitivityTables.rows(result, most);
        int[] widths = IntStream.range(0, SensitivityTables.HEAD.size())
                .map(i -> Math.max(
                        SensitivityTables.HEAD.get(i).length(),
                        rows.stream().mapToInt(r -> r.get(i).length()).max().orElse(0)))
                .toArray();
        aligned(out, SensitivityTables.HEAD, widths);
        rows.forEach(row -> aligned(out, row, widths));
        return out.append('\n')
                .append(SensitivityTables.verdict(result))
                .append('\n')
                .toString();
    }

    private static void aligned(StringBuilder out, List<String> cells, int[] widths) {
        for (int i = 0; i < widths.length; i++) {
            String padding = " ".repeat(widths[i] - cells.get(i).length());
            out.append(i == 0 ? cells.get(i) + padding : "  " + padding + cells.get(i));
        }
        out.append('\n');
    }

    static String html(SensitivityResult result) {
        String title = "Where " + result.level() + " hurts";
        Svg html = HtmlPage.open(title);
        html.open("header");
        HtmlPage.headline(html, title, SensitivityTables.verdict(result));
        html.close().newline();
        section(
                html,
                "alone",
                "One part quantized, the rest in full precision",
                map(
                                result,
                                "alone-caption",
                                "KL by layer and part, nats per token",
                                p -> p.alone().kld(),
                                Figures::nats,
                                "")
                        .draw("Mean KL divergence from full precision when only this part is quantized."));
        section(
                html,
                "recovered",
                "All but one part quantized",
                map(
                                result,
                                "recovered-caption",
                                "Recovered divergence by layer and part, in percent",
                                result::recovered,
                                Figures::errorPercent,
                                " %")
                        .draw(
                                "Share of the quantized model's divergence that keeping this part in full precision takes away."));
        Svg table = new Svg();
        HtmlPage.table(
                table,
                "parts",
                "The costliest parts first",
                SensitivityTables.HEAD,
                SensitivityTables.rows(result, SHOWN));
        table.element("p", SensitivityTables.LEGEND, "class", "legend");
        section(html, "ranking", "What to keep", table);
        HtmlPage.notes(html, result.notes());
        HtmlPage.openFacts(html, Facts.of(result));
        html.close().close().newline();
        HtmlPage.repeat(html, result.command());
        return HtmlPage.close(html);
    }

    private static void section(Svg html, String id, String title, Svg content) {
        html.open("section", "aria-labelledby", id);
        html.element("h2", title, "id", id).raw(content).close().newline();
    }

    private static HeatMap map(
            SensitivityResult result,
            String id,
            String caption,
            ToDoubleFunction<Part> value,
            java.util.function.DoubleFunction<String> figure,
            String unit) {
        List<String> names = result.parts().stream().map(Part::name).distinct().toList();
        List<Integer> layers = List.copyOf(
                new TreeSet<>(result.parts().stream().map(Part::layer).toList()));
        double[][] values = new double[layers.size()][names.size()];
        for (double[] row : values) {
            java.util.Arrays.fill(row, Double.NaN);
        }
        for (Part part : result.parts()) {
            values[layers.indexOf(part.layer())][names.indexOf(part.name())] = value.applyAsDouble(part);
        }
        return new HeatMap(
                id, caption, "Layer", layers.stream().map(String::valueOf).toList(), names, values, "", figure, unit);
    }

    static String markdown(SensitivityResult result) {
        StringBuilder out = new StringBuilder();
        out.append("# Where ").append(MarkdownReport.escape(result.level())).append(" hurts\n\n**");
        out.append(MarkdownReport.escape(SensitivityTables.verdict(result))).append("**\n\n");
        MarkdownReport.table(out, SensitivityTables.HEAD, SensitivityTables.rows(result, SHOWN));
        out.append('\n').append(MarkdownReport.escape(SensitivityTables.LEGEND)).append("\n\n");
        for (Facts.Fact fact : Facts.of(result)) {
            out.append("- **").append(MarkdownReport.escape(fact.name())).append(":** ");
            out.append(MarkdownReport.escape(fact.value())).append('\n');
        }
        result.notes()
                .forEach(note ->
                        out.append("- ").append(MarkdownReport.escape(note)).append('\n'));
        out.append('\n');
        MarkdownReport.block(out, result.command());
        return out.toString();
    }

    static String csv(SensitivityResult result) {
        StringBuilder out = new StringBuilder();
        CsvReport.record(
                out,
                List.of(
                        "layer",
                        "part",
                        "weights",
                        "bytes",
                        "alone_kld",
                        "alone_kld_stderr",
                        "alone_log_ratio",
                        "without_kld",
                        "without_kld_stderr",
                        "without_log_ratio",
                        "recovered"));
        for (Part part : result.parts()) {
            CsvReport.record(
                    out,
                    List.of(
                            Integer.toString(part.layer()),
                            part.name(),
                            Long.toString(part.weights()),
                            Long.toString(part.bytes()),
                            Figures.shortest(part.alone().kld()),
                            Figures.shortest(part.alone().kldStderr()),
                            Figures.shortest(part.alone().logRatio()),
                            Figures.shortest(part.without().kld()),
                            Figures.shortest(part.without().kldStderr()),
                            Figures.shortest(part.without().logRatio()),
                            Figures.shortest(result.recovered(part))));
        }
        return out.toString();
    }

    /** The object of {@code sensitivity.json}, with a final line feed. */
    public static String json(SensitivityResult result) {
        JsonMapper mapper = JsonMapper.shared();
        ObjectNode root = mapper.createObjectNode();
        root.put("schema", SensitivityResult.SCHEMA).put("bitscarp", result.bitscarp());
        JsonReport.model(root, result.model());
        JsonReport.text(root, result.text());
        JsonReport.protocol(root.putObject("protocol"), result.protocol());
        root.put("device", result.device()).put("compute", result.compute()).put("level", result.level());
        root.put("calibration", result.calibration())
                .put("command", result.command())
                .put("started", result.started());
        JsonReport.number(root, "seconds", result.seconds());
        JsonReport.number(root, "perplexity", result.perplexity());
        measure(root.putObject("all"), result.all());
        ArrayNode parts = root.putArray("parts");
        for (Part part : result.parts()) {
            ObjectNode node = parts.addObject()
                    .put("layer", part.layer())
                    .put("part", part.name())
                    .put("weights", part.weights())
                    .put("bytes", part.bytes());
            measure(node.putObject("alone"), part.alone());
            measure(node.putObject("without"), part.without());
            JsonReport.number(node, "recovered", result.recovered(part));
        }
        ArrayNode notes = root.putArray("notes");
        result.notes().forEach(notes::add);
        return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root).replace("\r\n", "\n") + "\n";
    }

    private static void measure(ObjectNode node, Measure measure) {
        JsonReport.number(node, "kld_mean", measure.kld());
        JsonReport.number(node, "kld_stderr", measure.kldStderr());
        JsonReport.number(node, "log_ratio", measure.logRatio());
        JsonReport.numbers(node, "log_ratio_ci95", measure.logRatioCi95());
    }
}
