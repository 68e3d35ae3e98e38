package org.bitscarp.model;

/** Text to token ids and back. */
public interface Tokenizer extends AutoCloseable {
    /**
     * Token ids of a whole text, never truncated.
     *
     * @param addSpecial whether to add what the tokenizer adds by default (BOS for Llama-2, nothing for many others);
     *     text that looks like a special token is still recognised as one only where the tokenizer says so
     */
    int[] encode(String text, boolean addSpecial);

    /** The text of token ids; for display. */
    String decode(int[] ids);

    int vocabularySize();

    /** Token that begins a sequence, or −1. */
    int bos();

    /** Whether the tokenizer puts {@link #bos()} before a text by default ("add_bos" of llama.cpp). */
    boolean addsBos();

    /** SHA-256 (hex) of what defines the tokenizer, for reports. */
    String sha256();

    @Override
    void close();
}
