package org.bitscarp.eval;

import java.io.IOException;
import java.util.Arrays;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.model.Tokenizer;

/** Whether a checkpoint's tokenizer makes of a text what the reference's does; otherwise no divergence means anything. */
final class SameTokens {
    private final Tokenizer tokenizer;
    private final TokenizedText text;
    private final String name;

    /**
     * @param text as the reference's tokenizer cut it
     * @param name of the reference
     */
    SameTokens(Tokenizer tokenizer, TokenizedText text, String name) {
        this.tokenizer = tokenizer;
        this.text = text;
        this.name = name;
    }

    /** @throws IllegalArgumentException with the first token that differs */
    void check(CompareRequest.File file, int maxTokens) throws IOException {
        try (Tokenizer other = file.checkpoint().tokenizer()) {
            int[] found = SweepRunner.tokenize(text.corpus(), other, file.checkpoint(), maxTokens)
                    .tokens();
            int at = Arrays.mismatch(text.tokens(), found);
            if (at >= 0) {
                throw new IllegalArgumentException("tokenizers differ: token " + at + " of "
                        + text.corpus().name() + " is "
                        + token(other, found, at) + " in " + file.name() + " and "
                        + token(tokenizer, text.tokens(), at) + " in the reference " + name
                        + "; only checkpoints with the same tokens can be compared");
            }
            boolean sameStart = other.addsBos() == tokenizer.addsBos() && other.bos() == tokenizer.bos();
            if (tokenizer.addsBos() && !sameStart) {
                throw new IllegalArgumentException("tokenizers differ: windows begin with " + start(other) + " in "
                        + file.name() + " and with " + start(tokenizer) + " in the reference " + name
                        + "; only checkpoints with the same tokens can be compared");
            }
        }
    }

    private static String token(Tokenizer tokenizer, int[] tokens, int at) {
        if (at == tokens.length) {
            return "absent";
        }
        String shown = tokenizer.decode(new int[] {tokens[at]}).replaceAll("[\\p{Cntrl}\\p{Cf}\\p{Cs}]", "?");
        return tokens[at] + " (\"" + shown + "\")";
    }

    private static String start(Tokenizer tokenizer) {
        return tokenizer.addsBos() ? "BOS " + tokenizer.bos() : "no BOS";
    }
}
