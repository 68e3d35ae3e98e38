package org.bitscarp.model.internal.gguf;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a text into words by several regular expressions, one after the other: each cuts the pieces that the one before
 * has left into its matches and what lies between them, and sees nothing beyond the piece
 * ({@code unicode_regex_split} of llama.cpp).
 */
final class WordSplitter {
    /** Receives the words in order; they cover the text. */
    @FunctionalInterface
    interface Words {
        /** Characters {@code [from, to)}. */
        void word(int from, int to);
    }

    private final List<Pattern> patterns;

    /** Classes mean what Unicode says: {@code \s} is White_Space, {@code \d} any decimal digit. */
    WordSplitter(List<String> expressions) {
        patterns = expressions.stream()
                .map(e -> Pattern.compile(e, Pattern.UNICODE_CHARACTER_CLASS))
                .toList();
    }

    void split(String text, Words words) {
        split(text, 0, text.length(), 0, words);
    }

    private void split(String text, int from, int to, int stage, Words words) {
        if (from == to) {
            return;
        }
        if (stage == patterns.size()) {
            words.word(from, to);
            return;
        }
        Matcher matcher = patterns.get(stage).matcher(text).region(from, to);
        int at = from;
        while (matcher.find()) {
            split(text, at, matcher.start(), stage + 1, words);
            split(text, matcher.start(), matcher.end(), stage + 1, words);
            at = matcher.end();
        }
        split(text, at, to, stage + 1, words);
    }
}
