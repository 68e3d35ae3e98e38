package org.bitscarp.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Tokenizer;

/** What makes figures wrong without making them fail: each becomes a note in every report. */
final class Guards {
    /** Bytes that a token of a subword vocabulary stands for; prose has 3 to 5, code and other scripts 2 to 4. */
    private static final double FEWEST_BYTES = 1.3;

    private static final double MOST_BYTES = 9;
    /** Vocabularies up to this size may well be of bytes or characters. */
    private static final int SMALL_VOCABULARY = 1024;
    /** A tokenizer that belongs to a text knows all but stray characters of it. */
    private static final double MOST_UNKNOWN = 0.005;
    /** Chance matches of 13 tokens are set phrases; above one token in a hundred the texts share passages. */
    private static final double MOST_OVERLAP = 0.01;
    /** Two characters for private use: no vocabulary has either, so equal tokens are the one for the unknown. */
    private static final String[] NOBODYS = {"\uE123", "\uF456"};

    private Guards() {}

    /** Does the tokenizer belong to the text, and begin it as it says? */
    static List<String> text(TokenizedText text, Tokenizer tokenizer) {
        List<String> notes = new ArrayList<>();
        double bytes = 1 / text.tokensPerByte();
        if (tokenizer.vocabularySize() > SMALL_VOCABULARY && !(bytes >= FEWEST_BYTES && bytes <= MOST_BYTES)) {
            notes.add(String.format(
                    Locale.ROOT,
                    "A token stands for %.2f bytes of the text, expected %.1f to %.0f: tokenizer and text may not"
                            + " belong together.",
                    bytes,
                    FEWEST_BYTES,
                    MOST_BYTES));
        }
        int unknown = unknown(tokenizer);
        long count = Arrays.stream(text.tokens()).filter(t -> t == unknown).count();
        double share = (double) count / text.tokens().length;
        if (unknown >= 0 && share > MOST_UNKNOWN) {
            notes.add(String.format(
                    Locale.ROOT,
                    "%.1f %% of the tokens are the unknown token: the tokenizer does not know this text's characters.",
                    100 * share));
        }
        bos(text.tokens(), tokenizer, notes);
        return notes;
    }

    private static void bos(int[] tokens, Tokenizer tokenizer, List<String> notes) {
        int bos = tokenizer.bos();
        if (tokenizer.addsBos() && (bos < 0 || tokens.length > 0 && tokens[0] != bos)) {
            notes.add("The tokenizer says that texts begin with BOS, but this one begins with token "
                    + (tokens.length > 0 ? tokens[0] : -1) + " and BOS is " + (bos < 0 ? "not defined" : bos)
                    + ": perplexities of models that need it are too high.");
        }
        if (bos >= 0 && tokens.length > 1 && tokens[0] == bos && tokens[1] == bos) {
            notes.add("The text begins with BOS twice: it has one of its own beside the tokenizer's.");
        }
    }

    /** The token that stands for what the vocabulary lacks, or −1 where bytes or nothing do. */
    static int unknown(Tokenizer tokenizer) {
        int[] one = tokenizer.encode(NOBODYS[0], false);
        int[] other = tokenizer.encode(NOBODYS[1], false);
        boolean dropped = one.length == 0 || Arrays.equals(one, tokenizer.encode(" ", false));
        return dropped || !Arrays.equals(one, other) ? -1 : one[one.length - 1];
    }

    /** Has the calibration text seen what is measured? */
    static List<String> overlap(double share) {
        return share > MOST_OVERLAP
                ? List.of(String.format(
                        Locale.ROOT,
                        "%.1f %% of the evaluation text lies in runs of %d tokens that the calibration text has too:"
                                + " calibrated levels look better than they are.",
                        100 * share,
                        NgramOverlap.LENGTH))
                : List.of();
    }

    /** Was the model made for windows of this length? */
    static List<String> window(WindowPlan plan, Checkpoint checkpoint) {
        int trained = checkpoint.spec().maxPositions();
        return plan.longestWindow() > trained
                ? List.of("Windows of " + plan.longestWindow() + " tokens exceed the " + trained
                        + " positions that the model was made for; perplexities are worse than they need to be.")
                : List.of();
    }

    /** Are the figures possible? */
    static List<String> scores(List<SweepResult.Row> rows, int vocabulary) {
        List<String> notes = new ArrayList<>();
        for (SweepResult.Row row : rows) {
            if (row.nonfinite() > 0) {
                notes.add(row.level() + ": " + row.nonfinite()
                        + " scores are NaN or infinite; they are in no sum, and the level counts as damaged.");
            }
            double[] interval = row.score().deltaPplCi95();
            if (!row.reference() && !row.score().tied() && interval != null && interval[1] < 0) {
                notes.add(row.level() + " has a lower perplexity than the reference. Quantizing adds no knowledge:"
                        + " calibration on like text or chance in this one; judge it by its divergence.");
            }
            if (row.reference() && row.score().perplexity() > vocabulary) {
                notes.add("The reference's perplexity is above that of guessing among all " + vocabulary
                        + " tokens: model, tokenizer and text do not belong together.");
            }
        }
        return notes;
    }
}
