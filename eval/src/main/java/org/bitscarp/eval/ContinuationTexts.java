package org.bitscarp.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.generate.Diversity;
import org.bitscarp.eval.generate.Loop;
import org.bitscarp.eval.generate.Sampler;
import org.bitscarp.eval.report.Continuations;
import org.bitscarp.model.Tokenizer;

/** Turns the tokens that levels wrote into texts and their measures. */
final class ContinuationTexts {
    private final ContinuationPlan plan;
    private final Tokenizer tokenizer;

    ContinuationTexts(ContinuationPlan plan, Tokenizer tokenizer) {
        this.plan = plan;
        this.tokenizer = tokenizer;
    }

    /** @param written of each level, the first of which is the reference */
    Continuations of(List<LevelResult> levels, List<List<int[]>> written) {
        List<Continuations.OfLevel> all = new ArrayList<>();
        for (int l = 0; l < levels.size(); l++) {
            List<int[]> texts = written.get(l);
            List<Continuations.Text> shown = new ArrayList<>();
            for (int s = 0; s < texts.size(); s++) {
                int[] prompt = plan.prompts().get(s % plan.prompts().size());
                shown.add(text(prompt, texts.get(s), written.getFirst().get(s)));
            }
            all.add(new Continuations.OfLevel(
                    levels.get(l).name(), Diversity.distinct(texts, 1), Diversity.distinct(texts, 2), shown));
        }
        return new Continuations(
                plan.prompts().stream().map(tokenizer::decode).toList(),
                plan.samplers().stream().map(Sampler::text).toList(),
                plan.tokens(),
                all);
    }

    private Continuations.Text text(int[] prompt, int[] tokens, int[] reference) {
        int agreement = Diversity.agreement(tokens, reference);
        return new Continuations.Text(
                behind(prompt, tokens, tokens.length),
                tokens.length,
                agreement,
                behind(prompt, tokens, agreement).length(),
                Loop.of(tokens));
    }

    /** The text of the first {@code count} tokens; decoded with the prompt, since tokenizers trim a text's beginning. */
    private String behind(int[] prompt, int[] tokens, int count) {
        int[] whole = Arrays.copyOf(prompt, prompt.length + count);
        System.arraycopy(tokens, 0, whole, prompt.length, count);
        String before = tokenizer.decode(prompt);
        String all = tokenizer.decode(whole);
        return all.startsWith(before) ? all.substring(before.length()) : tokenizer.decode(Arrays.copyOf(tokens, count));
    }
}
