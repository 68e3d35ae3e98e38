package org.bitscarp.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.model.Tokenizer;
import org.junit.jupiter.api.Test;

class GuardsTest {
    /** One token a character up to {@code known}, the unknown token 0 for others. */
    private record Characters(int known, int perCharacter, boolean addsBos, int bos, int vocabularySize)
            implements Tokenizer {
        @Override
        public int[] encode(String text, boolean addSpecial) {
            return text.chars()
                    .flatMap(c -> java.util.stream.IntStream.generate(() -> c < known ? c : 0)
                            .limit(perCharacter))
                    .toArray();
        }

        @Override
        public String decode(int[] ids) {
            throw new AssertionError("nobody reads it");
        }

        @Override
        public String sha256() {
            return "";
        }

        @Override
        public void close() {}
    }

    private static List<String> notes(Characters tokenizer, String text) {
        int[] tokens = tokenizer.encode(text, true);
        return Guards.text(new TokenizedText(new Corpus("a text", text), tokens, tokens.length), tokenizer);
    }

    @Test
    void tokenizersThatFitAreNotMentioned() {
        assertEquals(List.of(), notes(new Characters(1000, 1, false, -1, 500), "a plain text"));
    }

    @Test
    void tooManyTokensAByte() {
        List<String> notes = notes(new Characters(1000, 1, false, -1, 32_000), "a plain text");
        assertTrue(notes.getFirst().contains("1.00 bytes"), notes.toString());
    }

    @Test
    void unknownCharacters() {
        List<String> notes = notes(new Characters('m', 1, false, -1, 500), "abxyzc");
        assertEquals(1, notes.size());
        assertTrue(notes.getFirst().startsWith("50.0 % of the tokens"), notes.toString());
    }

    @Test
    void beginningsOfTexts() {
        assertTrue(
                notes(new Characters(1000, 1, true, 7, 500), "text").getFirst().contains("BOS is 7"));
        assertTrue(notes(new Characters(1000, 2, true, 't', 500), "text")
                .getFirst()
                .contains("twice"));
        assertTrue(
                notes(new Characters(1000, 1, true, -1, 500), "text").getFirst().contains("not defined"));
        assertEquals(List.of(), notes(new Characters(1000, 1, true, 't', 500), "text"));
    }

    @Test
    void overlapIsThatOfASlowCount() {
        SplittableRandom random = new SplittableRandom(3);
        int[] other = random.ints(2000, 0, 50).toArray();
        int[] text = random.ints(3000, 0, 50).toArray();
        System.arraycopy(other, 100, text, 500, 40);
        System.arraycopy(other, 700, text, 530, 13);
        System.arraycopy(other, 900, text, 2000, 12);
        Set<List<Integer>> known = new HashSet<>();
        for (int i = 0; i + NgramOverlap.LENGTH <= other.length; i++) {
            known.add(run(other, i));
        }
        boolean[] covered = new boolean[text.length];
        for (int i = 0; i + NgramOverlap.LENGTH <= text.length; i++) {
            if (known.contains(run(text, i))) {
                java.util.Arrays.fill(covered, i, i + NgramOverlap.LENGTH, true);
            }
        }
        int count = 0;
        for (boolean c : covered) {
            count += c ? 1 : 0;
        }
        assertEquals((double) count / text.length, NgramOverlap.share(text, other));
        assertTrue(count >= 43, "the copied passages are found");
        assertEquals(1, NgramOverlap.share(other, other));
        assertEquals(0, NgramOverlap.share(new int[5], other));
        assertEquals(0, NgramOverlap.share(text, new int[3]));
    }

    private static List<Integer> run(int[] tokens, int from) {
        List<Integer> run = new ArrayList<>();
        for (int i = 0; i < NgramOverlap.LENGTH; i++) {
            run.add(tokens[from + i]);
        }
        return run;
    }

    @Test
    void overlapIsMentionedWhenItMatters() {
        assertEquals(List.of(), Guards.overlap(0.005));
        assertTrue(Guards.overlap(0.5).getFirst().startsWith("50.0 %"));
    }

    @Test
    void impossibleScores() {
        List<SweepResult.Row> rows = List.of(
                row("fp32", true, 100, 0, 0, true, 0),
                row("int8", false, 99.9, -0.2, 0.1, true, 0),
                row("int4", false, 98, -2.5, -1.5, false, 0),
                row("int2", false, 120, 19, 21, false, 3));
        List<String> notes = Guards.scores(rows, 1000);
        assertEquals(2, notes.size(), notes.toString());
        assertTrue(notes.get(0).startsWith("int4 has a lower perplexity"), notes.toString());
        assertTrue(notes.get(1).startsWith("int2: 3 scores are NaN"), notes.toString());
        assertTrue(Guards.scores(rows, 99).getFirst().contains("guessing among all 99 tokens"));
    }

    private static SweepResult.Row row(
            String level, boolean reference, double ppl, double low, double high, boolean tied, long nonfinite) {
        SweepResult.Score score =
                new SweepResult.Score("gptq", ppl, 1, 1, 1, 1, ppl - 100, new double[] {low, high}, tied);
        return new SweepResult.Row(
                level, level, "rtn", reference, 8, 8, 1, List.of(score), null, 0, new double[0], 1, 0, nonfinite);
    }
}
