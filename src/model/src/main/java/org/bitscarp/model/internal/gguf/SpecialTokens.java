package org.bitscarp.model.internal.gguf;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Cuts user-defined tokens out of a text before anything else is done with it: longer ones first, each everywhere it
 * occurs in what the ones before have left ({@code tokenizer_st_partition} of llama.cpp, without control tokens).
 */
final class SpecialTokens {
    /** A stretch of text, or a token in place of one. */
    record Piece(String text, int token) {
        boolean isToken() {
            return text == null;
        }
    }

    private record Special(String text, int token, int bytes) {}

    private final List<Special> specials = new ArrayList<>();

    SpecialTokens(GgufVocabulary vocabulary) {
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.type(id) == GgufVocabulary.USER_DEFINED) {
                String bytes = vocabulary.bytes(id);
                specials.add(new Special(GgufVocabulary.text(bytes), id, bytes.length()));
            }
        }
        specials.sort(Comparator.comparingInt(Special::bytes).reversed());
    }

    List<Piece> split(String text) {
        List<Piece> pieces = new ArrayList<>();
        if (!text.isEmpty()) {
            pieces.add(new Piece(text, -1));
        }
        for (Special special : specials) {
            // Most tokens do not occur at all: look before taking the pieces apart.
            if (text.contains(special.text)) {
                pieces = split(pieces, special);
            }
        }
        return pieces;
    }

    private static List<Piece> split(List<Piece> pieces, Special special) {
        List<Piece> result = new ArrayList<>();
        for (Piece piece : pieces) {
            if (piece.isToken()) {
                result.add(piece);
                continue;
            }
            int from = 0;
            for (int at = piece.text.indexOf(special.text); at >= 0; at = piece.text.indexOf(special.text, from)) {
                if (at > from) {
                    result.add(new Piece(piece.text.substring(from, at), -1));
                }
                result.add(new Piece(null, special.token));
                from = at + special.text.length();
            }
            if (from < piece.text.length()) {
                result.add(new Piece(piece.text.substring(from), -1));
            }
        }
        return result;
    }
}
