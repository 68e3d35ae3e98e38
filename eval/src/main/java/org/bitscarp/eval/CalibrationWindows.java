package org.bitscarp.eval;

import java.io.IOException;
import java.util.List;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Tokenizer;

/** Calibration text as windows side by side, the same for every command: the same text gives the same bytes. */
public final class CalibrationWindows {
    private CalibrationWindows() {}

    /**
     * @param text null for none, which gives null
     * @param maxTokens tokens of it to use at most
     * @param context tokens in a window
     * @throws IllegalArgumentException for a text that is too short
     */
    public static WindowPlan of(Checkpoint checkpoint, Tokenizer tokenizer, Corpus text, int maxTokens, int context)
            throws IOException {
        if (text == null) {
            return null;
        }
        TokenizedText tokenized =
                TokenizedText.of(text, tokenizer, checkpoint.spec().vocabulary(), maxTokens);
        try {
            return new WindowPlan(
                    tokenized.tokens(),
                    tokenizer.bos(),
                    tokenizer.addsBos(),
                    List.of(Protocol.of(Protocol.Kind.GPTQ, context, 0)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("calibration text " + text.name() + ": " + e.getMessage(), e);
        }
    }
}
