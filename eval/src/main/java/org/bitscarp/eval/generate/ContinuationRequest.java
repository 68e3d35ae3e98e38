package org.bitscarp.eval.generate;

import java.util.List;

/**
 * Whether and how levels are to write.
 *
 * @param tokens behind each prompt; 0 for no continuations
 * @param prompts texts to go on with; empty for some out of the measured text
 * @param temperature of the sampled continuations, beside the greedy ones
 * @param seed of their noise
 * @param demanded whether to fail rather than to leave continuations out where memory does not suffice
 */
public record ContinuationRequest(int tokens, List<String> prompts, float temperature, long seed, boolean demanded) {
    /** No continuations. */
    public static final ContinuationRequest NONE = new ContinuationRequest(0, List.of(), 1, 0, false);

    /** Probability that the sampled tokens have together; the value of Holtzman et al. 2020, section 4.3. */
    private static final double NUCLEUS = 0.95;
    /** Prompts that are taken out of the measured text, and tokens in each. */
    private static final int PROMPTS = 4;

    private static final int PROMPT_TOKENS = 24;

    public ContinuationRequest {
        prompts = List.copyOf(prompts);
        if (tokens < 0 || !(temperature > 0) || !Float.isFinite(temperature)) {
            throw new IllegalArgumentException(
                    "continuations of " + tokens + " tokens at temperature " + temperature + ": both must be positive");
        }
    }

    /**
     * @param text the measured text
     * @param encoded the prompts as token ids
     * @return null where nothing is to be written
     */
    public ContinuationPlan plan(int[] text, List<int[]> encoded) {
        List<int[]> chosen = encoded.isEmpty() ? Prompts.of(text, PROMPTS, PROMPT_TOKENS) : encoded;
        return tokens == 0 || chosen.isEmpty()
                ? null
                : new ContinuationPlan(
                        chosen, List.of(Sampler.GREEDY, new Sampler(temperature, NUCLEUS, seed)), tokens);
    }
}
