package org.bitscarp.eval.generate;

import java.util.List;

/**
 * What to let every level write.
 *
 * @param prompts token ids that texts begin with, none empty
 * @param samplers each goes on with every prompt
 * @param tokens to write behind each prompt
 */
public record ContinuationPlan(List<int[]> prompts, List<Sampler> samplers, int tokens) {
    public ContinuationPlan {
        prompts = List.copyOf(prompts);
        samplers = List.copyOf(samplers);
        if (prompts.isEmpty()
                || samplers.isEmpty()
                || tokens < 1
                || prompts.stream().anyMatch(p -> p.length == 0)) {
            throw new IllegalArgumentException(
                    "continuations need prompts that are not empty, a sampler and at least one"
                            + " token; found " + prompts.size() + " prompts, " + samplers.size() + " samplers, "
                            + tokens
                            + " tokens");
        }
    }

    /** Texts that each level writes: text {@code s} goes on with prompt {@code s % prompts} by sampler {@code s / prompts}. */
    public int sequences() {
        return prompts.size() * samplers.size();
    }

    /** Tokens of the longest prompt. */
    public int longestPrompt() {
        return prompts.stream().mapToInt(p -> p.length).max().orElseThrow();
    }

    /** Tokens of the longest prompt with what is written behind it. */
    public int longest() {
        return longestPrompt() + tokens;
    }
}
