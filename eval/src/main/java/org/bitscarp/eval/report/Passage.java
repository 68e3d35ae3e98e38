package org.bitscarp.eval.report;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The stretch of the text where a level loses most, token by token. Scores are rounded to 10⁻⁴ nats: they are there to
 * be looked at, the score files have all digits.
 *
 * @param first position of its first token among those that the main protocol scores
 * @param chosenBy level whose losses chose the place
 * @param tokens their texts; empty where a token holds part of a character, which then stands with the last of its parts
 * @param reference −log p of each token under the reference, in nats; NaN where it is not finite
 * @param levels a few around the cliff, from many bits to few
 */
public record Passage(int first, String chosenBy, List<String> tokens, double[] reference, List<OfLevel> levels) {
    /** @param nll −log p of each token in nats; NaN where it is not finite */
    public record OfLevel(String level, double[] nll) {}

    /** What the level loses at a token, in nats; below 0 where it does better than the reference. */
    double extra(OfLevel level, int token) {
        return level.nll()[token] - reference[token];
    }

    /** Positions of the tokens that cost a level most, the worst first; only those that cost anything. */
    List<Integer> worst(OfLevel level, int count) {
        return IntStream.range(0, tokens.size())
                .filter(t -> extra(level, t) > 0)
                .boxed()
                .sorted((a, b) -> Double.compare(extra(level, b), extra(level, a)))
                .limit(count)
                .toList();
    }

    /** Sum of what the level loses over the tokens with finite scores, in nats. */
    double sum(OfLevel level) {
        return IntStream.range(0, tokens.size())
                .mapToDouble(t -> extra(level, t))
                .filter(Double::isFinite)
                .sum();
    }
}
