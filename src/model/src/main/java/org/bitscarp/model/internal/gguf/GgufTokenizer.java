package org.bitscarp.model.internal.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.bitscarp.model.Tokenizer;

/** What the tokenizers of GGUF files have in common. Only one thread encodes at a time: tables grow as texts are met. */
abstract class GgufTokenizer implements Tokenizer {
    /**
     * Begin and end of a text.
     *
     * @param bos token that begins a text, or −1
     * @param eos token that ends a text, or −1
     * @param addBos whether {@code bos} is put before a text by default
     * @param addEos whether {@code eos} is put after a text by default
     */
    record Ends(int bos, int eos, boolean addBos, boolean addEos) {}

    final GgufVocabulary vocabulary;
    private final SpecialTokens specials;
    private final Ends ends;
    private final String sha256;

    GgufTokenizer(GgufVocabulary vocabulary, Ends ends, String sha256) {
        this.vocabulary = vocabulary;
        this.specials = new SpecialTokens(vocabulary);
        this.ends = ends;
        this.sha256 = sha256;
    }

    /**
     * Appends the tokens of a text without user-defined tokens.
     *
     * @param first whether it begins the whole text or follows a user-defined token
     */
    abstract void encode(String text, boolean first, TokenList tokens);

    /** Appends what a token prints, as UTF-8. Control and unknown tokens print nothing and do not get here. */
    abstract void decode(int token, ByteArrayOutputStream out);

    @Override
    public synchronized int[] encode(String text, boolean addSpecial) {
        TokenList tokens = new TokenList();
        if (addSpecial && addsBos()) {
            tokens.add(ends.bos);
        }
        boolean first = true;
        for (SpecialTokens.Piece piece : specials.split(wellFormed(text))) {
            if (piece.isToken()) {
                tokens.add(piece.token());
            } else {
                encode(piece.text(), first, tokens);
            }
            first = piece.isToken();
        }
        if (addSpecial && ends.addEos && ends.eos >= 0) {
            tokens.add(ends.eos);
        }
        return tokens.toArray();
    }

    /** Half of a surrogate pair is no text; each becomes the replacement character. */
    private static String wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                return text.codePoints()
                        .map(p -> p >= Character.MIN_SURROGATE && p <= Character.MAX_SURROGATE ? 0xFFFD : p)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        .toString();
            }
        }
        return text;
    }

    @Override
    public String decode(int[] ids) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int id : ids) {
            if (id < 0 || id >= vocabulary.size()) {
                throw new IllegalArgumentException("token " + id + " in a vocabulary of " + vocabulary.size());
            }
            int type = vocabulary.type(id);
            if (type == GgufVocabulary.USER_DEFINED) {
                write(vocabulary.bytes(id), out);
            } else if (type == GgufVocabulary.NORMAL || type == GgufVocabulary.BYTE) {
                decode(id, out);
            }
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    static void write(String bytes, ByteArrayOutputStream out) {
        out.writeBytes(bytes.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Override
    public int vocabularySize() {
        return vocabulary.size();
    }

    @Override
    public int bos() {
        return ends.bos;
    }

    @Override
    public boolean addsBos() {
        return ends.addBos && ends.bos >= 0;
    }

    @Override
    public String sha256() {
        return sha256;
    }

    @Override
    public void close() {
        // Nothing is held outside the heap.
    }
}
