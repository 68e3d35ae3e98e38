package org.bitscarp.eval.quantize;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.quant.SolveStats;

/**
 * What was written.
 *
 * @param path file or folder
 * @param target what it was quantized to
 * @param types tensors by type, in the order in which types first occur
 * @param fallbacks tensors that got another type, since their rows are no whole number of blocks
 * @param weights of the model
 * @param fileBytes size on disk, header and padding included
 * @param stats what happened to the weights
 * @param notes what a reader of the numbers should know
 */
public record QuantizeSummary(
        Path path,
        String target,
        List<Type> types,
        List<Fallback> fallbacks,
        long weights,
        long fileBytes,
        SolveStats stats,
        List<String> notes,
        double seconds) {
    /**
     * Tensors of one type.
     *
     * @param bytes scales and the like included
     */
    public record Type(String name, int tensors, long weights, long bytes) {
        public double bitsPerWeight() {
            return 8.0 * bytes / Math.max(1, weights);
        }
    }

    /** A tensor that got another type than the rule names. */
    public record Fallback(String tensor, String wanted, String got) {}

    /** Bits of the tensors per weight, header and padding left out. */
    public double bitsPerWeight() {
        return 8.0 * types.stream().mapToLong(Type::bytes).sum() / Math.max(1, weights);
    }

    /** The same with more notes. */
    QuantizeSummary with(List<String> more) {
        List<String> all = new ArrayList<>(notes);
        all.addAll(more);
        return new QuantizeSummary(
                path, target, types, fallbacks, weights, fileBytes, stats, List.copyOf(all), seconds);
    }

    /** Collects tensors one by one. */
    public static final class Builder {
        private final Map<String, Type> types = new LinkedHashMap<>();
        private final List<Fallback> fallbacks = new ArrayList<>();
        private final List<String> notes = new ArrayList<>();

        public void add(String type, long weights, long bytes) {
            types.merge(
                    type,
                    new Type(type, 1, weights, bytes),
                    (a, b) -> new Type(type, a.tensors + b.tensors, a.weights + b.weights, a.bytes + b.bytes));
        }

        public void fallback(String tensor, String wanted, String got) {
            fallbacks.add(new Fallback(tensor, wanted, got));
        }

        public void note(String note) {
            notes.add(note);
        }

        public QuantizeSummary build(Path path, String target, long fileBytes, SolveStats stats, double seconds) {
            long weights = types.values().stream().mapToLong(Type::weights).sum();
            return new QuantizeSummary(
                    path,
                    target,
                    List.copyOf(types.values()),
                    List.copyOf(fallbacks),
                    weights,
                    fileBytes,
                    stats,
                    List.copyOf(notes),
                    seconds);
        }
    }
}
