package org.bitscarp.eval.report;

import java.util.List;
import org.bitscarp.eval.generate.Loop;

/**
 * What every level wrote behind the same prompts.
 *
 * @param prompts the texts that were gone on with
 * @param samplers how tokens were chosen, for people
 * @param tokens asked of each text
 * @param levels in the order of the rows
 */
public record Continuations(List<String> prompts, List<String> samplers, int tokens, List<OfLevel> levels) {
    public Continuations {
        prompts = List.copyOf(prompts);
        samplers = List.copyOf(samplers);
        levels = List.copyOf(levels);
    }

    /**
     * @param level canonical level string
     * @param distinct1 different tokens among all tokens of all its texts
     * @param distinct2 the same of pairs of tokens
     * @param texts for each sampler, one per prompt
     */
    public record OfLevel(String level, double distinct1, double distinct2, List<Text> texts) {
        public OfLevel {
            texts = List.copyOf(texts);
        }

        /** Texts that end in a loop. */
        public long loops() {
            return texts.stream().filter(t -> t.loop() != null).count();
        }

        /** Mean number of leading tokens that agree with the reference's text. */
        public double agreement() {
            return texts.stream().mapToInt(Text::agreement).average().orElse(Double.NaN);
        }
    }

    /**
     * @param text as written, without the prompt
     * @param tokens how many; fewer than asked where the model's logits were not numbers
     * @param agreement leading tokens that are the reference's too
     * @param agreed how many characters those are
     * @param loop that the text ends in, or null
     */
    public record Text(String text, int tokens, int agreement, int agreed, Loop loop) {}
}
