package org.bitscarp.model.internal.architectures;

import static org.bitscarp.model.internal.architectures.ConfigField.ROUNDING;
import static org.bitscarp.model.internal.architectures.ConfigField.decimal;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bitscarp.model.Rope;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The inverse of {@link Ropes}: a rotation as {@code rope_theta} and {@code rope_scaling}. Frequencies are all that is
 * known, so the parameters of each formula are found from the divisors that it would have to give: theta^(−i/n) / frequency
 * for pair i of n. What no formula gives is LongRoPE, which lists the divisors.
 */
final class RopeScalings {
    static final double USUAL_THETA = 10_000;

    /** Contexts that models were trained for before they were stretched. */
    private static final int SHORTEST_ORIGINAL = 512;

    private static final int LONGEST_ORIGINAL = 1 << 18;

    private final Rope rope;
    private final double theta;
    private final int positions;
    private final double[] divisors;

    private RopeScalings(Rope rope, double theta, int positions) {
        this.rope = rope;
        this.theta = theta;
        this.positions = positions;
        this.divisors = divisors(rope.inverseFrequencies());
    }

    /** The base that the first two frequencies agree with; the usual one where LongRoPE divides each by a number of its own. */
    static double theta(Rope rope) {
        double[] frequencies = rope.inverseFrequencies();
        return frequencies.length < 2 || rope.beyond() != null && !geometric(frequencies)
                ? USUAL_THETA
                : Math.pow(frequencies[1] / frequencies[0], -frequencies.length);
    }

    private static boolean geometric(double[] frequencies) {
        double ratio = frequencies[1] / frequencies[0];
        return IntStream.range(1, frequencies.length)
                .allMatch(i -> Math.abs(frequencies[i] / frequencies[i - 1] - ratio) <= ROUNDING * ratio);
    }

    /**
     * Sections that may stand for a rotation, the plainest first; the last one does in any case. All others are to be
     * tried.
     *
     * @param theta what is written as {@code rope_theta}
     * @param positions what is written as {@code max_position_embeddings}
     */
    static List<ObjectNode> of(Rope rope, double theta, int positions) {
        RopeScalings scalings = new RopeScalings(rope, theta, positions);
        List<ObjectNode> sections = new ArrayList<>();
        if (rope.beyond() == null) {
            if (geometric(rope.inverseFrequencies())) {
                sections.add(section("linear").put("factor", scalings.divisors[0]));
            }
            scalings.llama3().ifPresent(sections::add);
            scalings.yarn().forEach(sections::add);
        }
        sections.add(scalings.longRope());
        return sections;
    }

    private static ObjectNode section(String type) {
        return JsonMapper.shared().createObjectNode().put("rope_type", type);
    }

    private double[] divisors(double[] frequencies) {
        return IntStream.range(0, frequencies.length)
                .mapToDouble(i -> decimal(Math.pow(theta, -(double) i / frequencies.length) / frequencies[i]))
                .toArray();
    }

    /**
     * Llama 3.1 keeps a share s of a pair's frequency f, where s·(high − low) = original·f/2π − low. The three parameters
     * may be scaled together, so low is 1, and two pairs between kept and divided tell the others; one pair does with the
     * usual high of 4.
     */
    private Optional<ObjectNode> llama3() {
        double factor = divisors[divisors.length - 1];
        int[] between = IntStream.range(0, divisors.length)
                .filter(i -> divisors[i] > 1 + ROUNDING && divisors[i] < factor * (1 - ROUNDING))
                .toArray();
        if (between.length == 0) {
            return Optional.empty();
        }
        int first = between[0];
        int last = between[between.length - 1];
        double spread = 3;
        if (first != last) {
            // original·u − spread·s = 1 of both pairs, without original.
            double determinant = turns(first) * share(last, factor) - turns(last) * share(first, factor);
            spread = (turns(last) - turns(first)) / determinant;
        }
        double original = Math.rint((1 + spread * share(first, factor)) / turns(first));
        double high = Math.rint((1 + spread) * 1000) / 1000;
        return high > 1 && original >= 1 && original <= Integer.MAX_VALUE
                ? Optional.of(section("llama3")
                        .put("factor", factor)
                        .put("low_freq_factor", 1.0)
                        .put("high_freq_factor", high)
                        .put("original_max_position_embeddings", (int) original))
                : Optional.empty();
    }

    /** Of pair i before scaling, per position. */
    private double turns(int i) {
        return Math.pow(theta, -(double) i / divisors.length) / (2 * Math.PI);
    }

    private double share(int i, double factor) {
        return (1 / divisors[i] - 1 / factor) / (1 - 1 / factor);
    }

    /** With the usual ramp, for each original context that is likely. */
    private Stream<ObjectNode> yarn() {
        double factor = divisors[divisors.length - 1];
        if (!(theta > 1 && factor > 1)) {
            return Stream.empty();
        }
        IntStream usual = IntStream.iterate(SHORTEST_ORIGINAL, n -> n <= LONGEST_ORIGINAL, n -> 2 * n);
        return IntStream.concat(IntStream.of((int) Math.max(1, Math.rint(positions / factor)), positions), usual)
                .mapToObj(original -> {
                    ObjectNode section = section("yarn").put("factor", factor);
                    attentionFactor(section, 0.1 * Math.log(factor) + 1);
                    return section.put("original_max_position_embeddings", original);
                });
    }

    private ObjectNode longRope() {
        double[] far = rope.beyond() == null ? divisors : divisors(rope.beyond().inverseFrequencies());
        int original = rope.beyond() == null ? positions : rope.beyond().threshold();
        ObjectNode section = section("longrope");
        numbers(section.putArray("short_factor"), divisors);
        numbers(section.putArray("long_factor"), far);
        double stretched = (double) positions / original;
        attentionFactor(section, stretched <= 1 ? 1 : Math.sqrt(1 + Math.log(stretched) / Math.log(original)));
        return section.put("original_max_position_embeddings", original);
    }

    private void attentionFactor(ObjectNode section, double usual) {
        if (Math.abs(rope.attentionFactor() - usual) > ROUNDING) {
            section.put("attention_factor", decimal(rope.attentionFactor()));
        }
    }

    private static void numbers(ArrayNode array, double[] values) {
        for (double value : values) {
            array.add(value);
        }
    }
}
