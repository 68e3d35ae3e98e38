package org.bitscarp.datasets;

import org.bitscarp.model.Tokenizer;

/**
 * A text as token ids.
 *
 * @param corpus the text
 * @param tokens ids of the whole text, with the special tokens that the tokenizer adds by default, cut to the asked length
 * @param total tokens before the cut
 */
public record TokenizedText(Corpus corpus, int[] tokens, int total) {
    /**
     * @param maxTokens how many to keep at most
     * @throws TextException when a token lies outside the model's vocabulary
     */
    public static TokenizedText of(Corpus corpus, Tokenizer tokenizer, int vocabulary, int maxTokens)
            throws TextException {
        int[] all = tokenizer.encode(corpus.text(), true);
        for (int token : all) {
            if (token < 0 || token >= vocabulary) {
                throw new TextException("the tokenizer gives token " + token + " but the model has " + vocabulary
                        + " embeddings; model and tokenizer do not belong together");
            }
        }
        int[] kept = all.length <= maxTokens ? all : java.util.Arrays.copyOf(all, maxTokens);
        return new TokenizedText(corpus, kept, all.length);
    }

    /** Tokens per UTF-8 byte over the whole text: turns nats per token into bits per byte. */
    public double tokensPerByte() {
        return (double) total / corpus.bytes();
    }
}
