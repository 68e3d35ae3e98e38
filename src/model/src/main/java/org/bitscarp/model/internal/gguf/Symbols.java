package org.bitscarp.model.internal.gguf;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Numbers for byte strings: ids of tokens, and beyond them numbers for pieces that are no token by themselves. */
final class Symbols {
    private final GgufVocabulary vocabulary;
    private final Map<String, Integer> numbers = new HashMap<>();
    private final List<String> texts = new ArrayList<>();

    Symbols(GgufVocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    int number(String bytes) {
        int id = vocabulary.id(bytes);
        if (id >= 0) {
            return id;
        }
        return numbers.computeIfAbsent(bytes, b -> {
            texts.add(b);
            return vocabulary.size() + texts.size() - 1;
        });
    }

    String bytes(int number) {
        return token(number) ? vocabulary.bytes(number) : texts.get(number - vocabulary.size());
    }

    boolean token(int number) {
        return number < vocabulary.size();
    }
}
