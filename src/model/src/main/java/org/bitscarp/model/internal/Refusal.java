package org.bitscarp.model.internal;

import tools.jackson.databind.JsonNode;

/** Why a part of a {@code tokenizer.json} is refused; the reader puts the name of the file before it. */
final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
        super(message);
    }

    /** A string of whole code points: JSON can spell half a surrogate pair, which is no text. */
    static String string(JsonNode node, String where) throws Refusal {
        if (!node.isString()) {
            throw new Refusal(where + ": expected a string, found " + Json.kind(node));
        }
        String text = node.stringValue();
        if (text.codePoints().anyMatch(p -> p >= Character.MIN_SURROGATE && p <= Character.MAX_SURROGATE)) {
            throw new Refusal(where + ": half of a surrogate pair, so not Unicode text");
        }
        return text;
    }

    static int integer(JsonNode node, String where, int min, int max) throws Refusal {
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < min || node.intValue() > max) {
            throw new Refusal(
                    where + ": expected an integer from " + min + " to " + max + ", found " + Json.kind(node));
        }
        return node.intValue();
    }

    static int id(JsonNode node, String where) throws Refusal {
        return integer(node, where, 0, TokenizerJson.MAX_ID - 1);
    }
}
