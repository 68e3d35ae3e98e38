package org.bitscarp.eval;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.eval.budget.BudgetPlanner;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Tokenizer;

/** Calibration text as windows side by side, the same for every command: the same text gives the same bytes. */
public final class CalibrationWindows {
    /** Windows that single maps are looked at on; twice as many are held out to measure a result. */
    private static final int SENSITIVITY_WINDOWS = 8;

    private CalibrationWindows() {}

    /**
     * @param text null for none, which gives null
     * @param size how much of it, in windows of what length
     * @throws IllegalArgumentException for a text that is too short
     */
    public static WindowPlan of(Checkpoint checkpoint, Tokenizer tokenizer, Corpus text, CalibrationSize size)
            throws IOException {
        if (text == null) {
            return null;
        }
        TokenizedText tokenized =
                TokenizedText.of(text, tokenizer, checkpoint.spec().vocabulary(), size.tokensFor(checkpoint.spec()));
        int context = size.contextFor(checkpoint.spec());
        if (tokenized.tokens().length < context) {
            throw new IllegalArgumentException("calibration text " + text.name() + " has " + tokenized.tokens().length
                    + " tokens, fewer than a window of " + context
                    + "; give a longer text or a smaller --calibration-context");
        }
        return plan(tokenized.tokens(), tokenizer, context);
    }

    /**
     * Calibration windows as {@link #of} makes them, and behind them in the text others for planning under a budget; where
     * the text ends before, the calibration has fewer.
     */
    public static BudgetPlanner.Windows forBudget(
            Checkpoint checkpoint, Tokenizer tokenizer, Corpus text, CalibrationSize size) throws IOException {
        int maxTokens = size.tokensFor(checkpoint.spec());
        int context = size.contextFor(checkpoint.spec());
        int extra = Math.multiplyExact(3 * SENSITIVITY_WINDOWS, context);
        int[] tokens = TokenizedText.of(
                        text, tokenizer, checkpoint.spec().vocabulary(), Math.addExact(maxTokens, extra))
                .tokens();
        int calibration = Math.min(maxTokens, tokens.length - extra);
        if (calibration < context) {
            throw new IllegalArgumentException("calibration text " + text.name() + " has " + tokens.length
                    + " tokens; planning under a budget takes at least " + (extra + context)
                    + ": give a longer text or a"
                    + " smaller --calibration-context");
        }
        int sensitivity = calibration + SENSITIVITY_WINDOWS * context;
        return new BudgetPlanner.Windows(
                plan(Arrays.copyOf(tokens, calibration), tokenizer, context),
                plan(Arrays.copyOfRange(tokens, calibration, sensitivity), tokenizer, context),
                plan(Arrays.copyOfRange(tokens, sensitivity, calibration + extra), tokenizer, context));
    }

    private static WindowPlan plan(int[] tokens, Tokenizer tokenizer, int context) {
        return new WindowPlan(
                tokens, tokenizer.bos(), tokenizer.addsBos(), List.of(Protocol.of(Protocol.Kind.GPTQ, context, 0)));
    }
}
