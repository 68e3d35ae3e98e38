package org.bitscarp.model.internal;

import java.util.List;

/**
 * A tokenizer taken apart, for a writer.
 *
 * @param kind how pieces are merged
 * @param tokens UTF-8 by id; every id has one
 * @param types what each token is
 * @param scores SentencePiece's, by id; null for {@link Kind#BYTE_LEVEL}
 * @param merges {@code left + ' ' + right}, first merges first; empty for {@link Kind#SENTENCE_PIECE}
 * @param preTokenizer llama.cpp's name for how texts are cut into words; null for {@link Kind#SENTENCE_PIECE}
 * @param bos begins a text, or −1
 * @param eos ends a text, or −1
 * @param unknown stands for what no token spells, or −1
 * @param addsBos whether {@code bos} is put before texts
 * @param spacePrefix whether a text begins with a space that it does not show
 */
public record TokenizerTables(
        Kind kind,
        List<byte[]> tokens,
        List<Type> types,
        float[] scores,
        List<byte[]> merges,
        String preTokenizer,
        int bos,
        int eos,
        int unknown,
        boolean addsBos,
        boolean spacePrefix) {
    /** The two ways of merging that llama.cpp and Bitscarp both know. */
    public enum Kind {
        SENTENCE_PIECE,
        BYTE_LEVEL
    }

    /** What a token is for. */
    public enum Type {
        NORMAL,
        UNKNOWN,
        CONTROL,
        USER_DEFINED,
        BYTE,
        UNUSED
    }
}
