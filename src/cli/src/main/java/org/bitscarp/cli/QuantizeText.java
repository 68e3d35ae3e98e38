package org.bitscarp.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bitscarp.eval.quantize.QuantizeSummary;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** What was written, for people and for programs. */
final class QuantizeText {
    private QuantizeText() {}

    static List<String> lines(QuantizeSummary summary) {
        List<String> lines = new ArrayList<>();
        lines.add(format("%-8s %8s %16s %16s %9s", "type", "tensors", "weights", "bytes", "bits/w"));
        for (QuantizeSummary.Type type : summary.types()) {
            lines.add(format(
                    "%-8s %8d %,16d %,16d %9.4f",
                    type.name(), type.tensors(), type.weights(), type.bytes(), type.bitsPerWeight()));
        }
        long bytes =
                summary.types().stream().mapToLong(QuantizeSummary.Type::bytes).sum();
        int tensors =
                summary.types().stream().mapToInt(QuantizeSummary.Type::tensors).sum();
        lines.add(format(
                "%-8s %8d %,16d %,16d %9.4f", "all", tensors, summary.weights(), bytes, summary.bitsPerWeight()));
        for (QuantizeSummary.Fallback fallback : summary.fallbacks()) {
            lines.add(format(
                    "%s is %s, since its rows are no whole number of %s blocks",
                    fallback.tensor(), fallback.got(), fallback.wanted()));
        }
        if (summary.stats().fallbacks > 0) {
            lines.add(format("%,d times the level's rule could not be followed", summary.stats().fallbacks));
        }
        if (summary.stats().nonfinite > 0) {
            lines.add(format("%,d weights are NaN or infinite", summary.stats().nonfinite));
        }
        lines.add(format(
                "%s: %s, %,d bytes, relative error %.4g, %.1f s",
                summary.path(),
                summary.target(),
                summary.fileBytes(),
                summary.stats().relativeError(),
                summary.seconds()));
        return lines;
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }

    static ObjectNode tree(QuantizeSummary summary) {
        ObjectNode root = JsonMapper.shared().createObjectNode();
        root.put("path", summary.path().toString());
        root.put("level", summary.target());
        root.put("bytes", summary.fileBytes());
        root.put("weights", summary.weights());
        root.put("bits_per_weight", summary.bitsPerWeight());
        root.put("relative_error", summary.stats().relativeError());
        root.put("rule_fallbacks", summary.stats().fallbacks);
        root.put("nonfinite", summary.stats().nonfinite);
        root.put("seconds", summary.seconds());
        ArrayNode types = root.putArray("types");
        for (QuantizeSummary.Type type : summary.types()) {
            types.addObject()
                    .put("type", type.name())
                    .put("tensors", type.tensors())
                    .put("weights", type.weights())
                    .put("bytes", type.bytes())
                    .put("bits_per_weight", type.bitsPerWeight());
        }
        ArrayNode fallbacks = root.putArray("width_fallbacks");
        for (QuantizeSummary.Fallback fallback : summary.fallbacks()) {
            fallbacks
                    .addObject()
                    .put("tensor", fallback.tensor())
                    .put("wanted", fallback.wanted())
                    .put("got", fallback.got());
        }
        ArrayNode notes = root.putArray("notes");
        summary.notes().forEach(notes::add);
        return root;
    }
}
