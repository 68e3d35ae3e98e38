package org.bitscarp.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bitscarp.compute.check.BackendCheck;
import org.bitscarp.cuda.backend.BenchmarkLine;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What {@code gpu-check} found, as Markdown and as JSON.
 *
 * @param timed whether times are those of a GPU
 */
record GpuCheckReport(
        String device,
        boolean timed,
        List<BackendCheck.Outcome> contract,
        List<PerplexityCheck.Row> perplexities,
        List<BenchmarkLine> bench) {
    private static final String NO_TIMES = "The emulated device: these times say nothing about a GPU.";

    boolean passed() {
        return contract.stream().allMatch(BackendCheck.Outcome::passed)
                && perplexities.stream().allMatch(PerplexityCheck.Row::passed)
                && bench.stream().noneMatch(BenchmarkLine::wrong);
    }

    /** All sizes of one operation together. */
    private record Summary(int sizes, int failed, double worst) {
        Summary with(BackendCheck.Outcome outcome) {
            return new Summary(sizes + 1, failed + (outcome.passed() ? 0 : 1), Math.max(worst, outcome.share()));
        }
    }

    private Map<String, Summary> operations() {
        Map<String, Summary> operations = new LinkedHashMap<>();
        for (BackendCheck.Outcome outcome : contract) {
            String name = outcome.operation().name();
            operations.put(
                    name, operations.getOrDefault(name, new Summary(0, 0, 0)).with(outcome));
        }
        return operations;
    }

    String text() {
        StringBuilder out = new StringBuilder(device).append('\n');
        if (!contract.isEmpty()) {
            out.append("\n| operation | sizes | failed | worst error, of its tolerance |\n|---|---|---|---|\n");
            operations()
                    .forEach(
                            (name, s) -> line(out, "| %s | %d | %d | %s |", name, s.sizes, s.failed, percent(s.worst)));
            contract.stream()
                    .filter(o -> !o.passed())
                    .forEach(o -> line(out, "FAILED %s: %s", o.operation(), o.fault()));
        }
        if (!perplexities.isEmpty()) {
            out.append("\n| level | perplexity, CPU | device | difference | |\n|---|---|---|---|---|\n");
            for (PerplexityCheck.Row row : perplexities) {
                line(
                        out,
                        "| %s | %.6f (%s) | %.6f | %+.5f %% | %s |",
                        row.level(),
                        row.cpu(),
                        row.recorded() ? "recorded" : "measured here",
                        row.device(),
                        100 * row.difference(),
                        row.passed() ? "ok" : "FAILED, 0.05 % allowed");
            }
        }
        if (!bench.isEmpty()) {
            out.append('\n')
                    .append(timed ? "" : NO_TIMES + "\n\n")
                    .append(BenchmarkLine.HEADER)
                    .append('\n');
            bench.forEach(l -> out.append(l.markdown()).append('\n'));
        }
        return out.append('\n')
                .append(passed() ? "All results are right." : "SOME RESULTS ARE WRONG.")
                .toString();
    }

    private static String percent(double share) {
        return Double.isNaN(share) ? "not a number" : String.format(Locale.ROOT, "%.0f %%", 100 * share);
    }

    private static void line(StringBuilder out, String format, Object... values) {
        out.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    String json() {
        ObjectNode root = JsonMapper.shared().createObjectNode();
        root.put("device", device);
        root.put("passed", passed());
        root.put("timed", timed);
        ArrayNode operations = root.putArray("contract");
        for (BackendCheck.Outcome outcome : contract) {
            ObjectNode node = operations.addObject();
            node.put("operation", outcome.operation().name());
            node.put("size", outcome.operation().size());
            number(node, "share_of_tolerance", outcome.share());
            node.put("fault", outcome.fault());
        }
        ArrayNode levels = root.putArray("perplexity");
        for (PerplexityCheck.Row row : perplexities) {
            ObjectNode node = levels.addObject();
            node.put("level", row.level());
            number(node, "cpu", row.cpu());
            node.put("recorded", row.recorded());
            number(node, "device", row.device());
            node.put("passed", row.passed());
        }
        ArrayNode lines = root.putArray("bench");
        for (BenchmarkLine each : bench) {
            ObjectNode node = lines.addObject();
            node.put("kernel", each.kernel());
            node.put("shape", each.shape());
            number(node, "milliseconds", each.milliseconds());
            number(node, "floor_milliseconds", each.floor());
            node.put("against", each.against());
            number(node, "fraction", each.fraction());
            number(node, "share_of_tolerance", each.error());
            number(node, "aim", each.aim());
            if (Double.isNaN(each.aim())) {
                node.putNull("reached");
            } else {
                node.put("reached", each.reached());
            }
            node.put("note", each.note());
        }
        return root.toPrettyString();
    }

    /** JSON has no NaN. */
    private static void number(ObjectNode node, String name, double value) {
        if (Double.isFinite(value)) {
            node.put(name, value);
        } else {
            node.putNull(name);
        }
    }
}
