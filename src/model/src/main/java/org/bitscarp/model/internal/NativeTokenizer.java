package org.bitscarp.model.internal;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.nio.file.Path;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;

/**
 * Hugging Face's own tokenizer library, through the JNI binding of Deep Java Library.
 *
 * <p>The binding is called below {@code HuggingFaceTokenizer}, because that class truncates to 512 tokens unless told
 * otherwise, calls home when it is created, and copies per-token strings and offsets that a 100-page text does not need.
 * The library is Rust and ends the process when it panics, so only what {@link TokenizerJson} has checked gets there.
 */
final class NativeTokenizer implements Tokenizer {
    /** Longest text, in chars: modified UTF-8 takes up to 3 bytes per char and JNI counts them in 31 bits. */
    private static final int MAX_CHARS = 500_000_000;

    private final int vocabularySize;
    private final int bos;
    private final boolean addsBos;
    private final String sha256;
    private long handle;

    private NativeTokenizer(long handle, int vocabularySize, int bos, String sha256) {
        this.handle = handle;
        this.vocabularySize = vocabularySize;
        this.bos = bos;
        this.sha256 = sha256;
        this.addsBos = bos >= 0 && startsWithBos(encode("a", true)) && !startsWithBos(encode("a", false));
    }

    static NativeTokenizer create(Path file, TokenizerJson json, int bos) throws ModelException {
        long handle = 0;
        try {
            handle = library().createTokenizerFromString(json.text());
            return new NativeTokenizer(handle, json.vocabularySize(), bos, json.sha256());
        } catch (RuntimeException e) {
            if (handle != 0) {
                library().deleteTokenizer(handle);
            }
            throw new ModelException(file + ": the tokenizer library refuses it: " + e.getMessage(), e);
        } catch (LinkageError e) {
            throw new ModelException(
                    file + ": the native tokenizer library cannot be loaded on this machine: " + e.getMessage(), e);
        }
    }

    /** Switches must be set before the library's classes are touched. */
    private static TokenizersLibrary library() {
        // The CPU build is inside the jar; for some GPUs the loader would otherwise download another one.
        System.setProperty("RUST_FLAVOR", "cpu");
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
        LibUtils.checkStatus();
        return TokenizersLibrary.LIB;
    }

    private boolean startsWithBos(int[] ids) {
        return ids.length > 0 && ids[0] == bos;
    }

    @Override
    public synchronized int[] encode(String text, boolean addSpecial) {
        if (text.length() > MAX_CHARS) {
            throw new IllegalArgumentException(
                    "a text of " + text.length() + " chars; at most " + MAX_CHARS + " can be tokenized at once");
        }
        long encoding = library().encode(open(), wellFormed(text), addSpecial);
        try {
            return toInts(library().getTokenIds(encoding));
        } finally {
            library().deleteEncoding(encoding);
        }
    }

    /** Half a surrogate pair is no Unicode text; it becomes the replacement character, as Java's encoder has "?". */
    private static String wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                return text.codePoints()
                        .map(p -> p >= Character.MIN_SURROGATE && p <= Character.MAX_SURROGATE ? 0xFFFD : p)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        .toString();
            }
        }
        return text;
    }

    private static int[] toInts(long[] ids) {
        int[] ints = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            ints[i] = Math.toIntExact(ids[i]);
        }
        return ints;
    }

    @Override
    public synchronized String decode(int[] ids) {
        long[] longs = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            longs[i] = ids[i];
        }
        return library().decode(open(), longs, true);
    }

    @Override
    public int vocabularySize() {
        return vocabularySize;
    }

    @Override
    public int bos() {
        return bos;
    }

    @Override
    public boolean addsBos() {
        return addsBos;
    }

    @Override
    public String sha256() {
        return sha256;
    }

    private long open() {
        if (handle == 0) {
            throw new IllegalStateException("the tokenizer is closed");
        }
        return handle;
    }

    @Override
    public synchronized void close() {
        if (handle != 0) {
            library().deleteTokenizer(handle);
            handle = 0;
        }
    }
}
