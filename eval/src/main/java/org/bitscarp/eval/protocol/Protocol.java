package org.bitscarp.eval.protocol;

import java.util.ArrayList;
import java.util.List;

/**
 * A way to measure perplexity. Perplexities of different protocols are never comparable.
 *
 * @param kind the rule
 * @param context tokens in a window
 * @param stride tokens from one window's start to the next; equals {@code context} except for {@link Kind#SLIDING}
 */
public record Protocol(Kind kind, int context, int stride) {
    public Protocol {
        if (context < 4) {
            throw new IllegalArgumentException("--context " + context + ": at least 4 tokens are needed");
        }
        if (stride < 1 || stride > context) {
            throw new IllegalArgumentException("--stride " + stride + ": expected 1 to the context, " + context);
        }
    }

    /** The rules. */
    public enum Kind {
        /** Windows side by side, every position but the first of each (GPTQ, AWQ, QuIP# and most papers). */
        GPTQ("gptq"),
        /** Windows side by side, the second half of each, BOS over the first token where the tokenizer adds it. */
        LLAMA_CPP("llama.cpp"),
        /** Overlapping windows, each token once with as much context as fits (Hugging Face documentation). */
        SLIDING("sliding");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        /** As users write it. */
        public String text() {
            return text;
        }

        /** The kind of that name, or an error that lists them all. */
        public static Kind parse(String name) {
            for (Kind kind : values()) {
                if (kind.text.equalsIgnoreCase(name.strip())) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("unknown protocol " + name + "; known: gptq, llama.cpp, sliding");
        }
    }

    /** @param stride used by {@link Kind#SLIDING} only; 0 for half the context */
    public static Protocol of(Kind kind, int context, int stride) {
        if (kind != Kind.SLIDING) {
            return new Protocol(kind, context, context);
        }
        return new Protocol(kind, context, stride == 0 ? Math.max(1, context / 2) : stride);
    }

    /** The windows of a text of {@code tokens} tokens; empty when it is too short for one. */
    public List<Window> windows(int tokens, boolean addsBos) {
        List<Window> windows = new ArrayList<>();
        switch (kind) {
            case GPTQ -> {
                for (int start = 0; start + context <= tokens; start += context) {
                    windows.add(new Window(start, context, false, 0, context - 1));
                }
            }
            case LLAMA_CPP -> {
                // tools/perplexity/perplexity.cpp: first = n_ctx / 2, positions first … n_ctx − 2.
                for (int start = 0; start + context <= tokens; start += context) {
                    windows.add(new Window(start, context, addsBos, context / 2, context - 1));
                }
            }
            case SLIDING -> {
                int scoredUpTo = 0;
                for (int start = 0; scoredUpTo < tokens; start += stride) {
                    int end = Math.min(start + context, tokens);
                    // Token t of the text is predicted from position t − 1 − start of this window.
                    int first = Math.max(scoredUpTo, start + 1);
                    if (end - start >= 2 && first < end) {
                        windows.add(new Window(start, end - start, false, first - 1 - start, end - 1 - start));
                    }
                    scoredUpTo = end;
                }
            }
        }
        return windows;
    }

    /** One sentence for reports. */
    public String description(boolean addsBos) {
        return switch (kind) {
            case GPTQ ->
                "windows of " + context + " tokens side by side from the first token, every token but the first of each"
                        + " scored";
            case LLAMA_CPP ->
                "windows of " + context + " tokens side by side, the last " + (context - 1 - context / 2)
                        + " tokens of each scored, "
                        + (addsBos ? "BOS over the first token of each" : "no BOS (the tokenizer adds none)");
            case SLIDING ->
                "windows of " + context + " tokens every " + stride + " tokens, each token scored once in the first"
                        + " window that holds it";
        };
    }
}
