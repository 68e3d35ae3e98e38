package org.bitscarp.model.internal;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Tokenizer;

/**
 * {@code tokenizer.bin} of llama2.c: int32 longest token, then per token a float score, an int32 length and the bytes.
 * Encoding is SentencePiece's byte-pair encoding as in llama2.c's {@code encode}: a space is put before the text, code
 * points without a token become byte tokens, then the adjacent pair whose concatenation has the best score is merged
 * (the leftmost of equals) until none is left.
 */
final class Llama2cTokenizer implements Tokenizer {
    /** Token ids 0, 1, 2 are unknown, BOS, EOS; the 256 byte tokens follow. */
    private static final int BOS = 1;

    private static final int EOS = 2;
    private static final int FIRST_BYTE = 3;
    private static final int MIN_VOCABULARY = FIRST_BYTE + 256;
    private static final long MAX_BYTES = 256L << 20;

    private final byte[][] pieces;
    private final float[] scores;
    private final String sha256;
    private final PairMerger merger;
    private final Map<String, Integer> ids;

    private Llama2cTokenizer(byte[][] pieces, float[] scores, Map<String, Integer> ids, String sha256) {
        this.pieces = pieces;
        this.scores = scores;
        this.ids = ids;
        this.sha256 = sha256;
        this.merger = new PairMerger(
                (left, right) -> ids.getOrDefault(latin1(pieces[left]) + latin1(pieces[right]), -1), scores);
    }

    /**
     * Opens the tokenizer beside a checkpoint.
     *
     * @param vocabulary number of tokens; the file itself does not say
     */
    static Llama2cTokenizer open(Path checkpoint, int vocabulary) throws IOException {
        Path file = checkpoint.resolveSibling("tokenizer.bin");
        if (!Files.isRegularFile(file)) {
            file = checkpoint.resolveSibling("tok" + vocabulary + ".bin");
        }
        if (!Files.isRegularFile(file)) {
            throw new ModelException(checkpoint + ": no tokenizer beside it; looked for tokenizer.bin and tok"
                    + vocabulary + ".bin in the same folder");
        }
        if (vocabulary < MIN_VOCABULARY) {
            throw new ModelException(file + ": a vocabulary of " + vocabulary + "; expected at least " + MIN_VOCABULARY
                    + " (3 special tokens and 256 bytes)");
        }
        long size = Files.size(file);
        // Every token takes at least 8 bytes, so this bounds the arrays by the size of the file.
        if (size > MAX_BYTES || size < 4 + 8L * vocabulary) {
            throw new ModelException(file + ": " + size + " bytes; expected " + (4 + 8L * vocabulary) + " to "
                    + MAX_BYTES + " for " + vocabulary + " tokens");
        }
        byte[] bytes = Files.readAllBytes(file);
        return parse(file, bytes, vocabulary);
    }

    private static Llama2cTokenizer parse(Path file, byte[] bytes, int vocabulary) throws ModelException {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        byte[][] pieces = new byte[vocabulary][];
        float[] scores = new float[vocabulary];
        Map<String, Integer> ids = new HashMap<>();
        try {
            int longest = in.getInt();
            for (int id = 0; id < vocabulary; id++) {
                scores[id] = in.getFloat();
                int length = in.getInt();
                if (length < 0 || length > longest || length > in.remaining() || Float.isNaN(scores[id])) {
                    throw new ModelException(file + ": token " + id + " has score " + scores[id] + " and length "
                            + length + "; expected a number and a length from 0 to "
                            + Math.min(longest, in.remaining()));
                }
                pieces[id] = new byte[length];
                in.get(pieces[id]);
                ids.putIfAbsent(latin1(pieces[id]), id);
            }
        } catch (BufferUnderflowException e) {
            throw new ModelException(file + ": ends before token " + vocabulary + " (is the download complete?)", e);
        }
        if (in.hasRemaining()) {
            throw new ModelException(file + ": " + in.remaining() + " bytes after the last of " + vocabulary
                    + " tokens; the tokenizer belongs to another model");
        }
        return new Llama2cTokenizer(pieces, scores, ids, Hashes.sha256(bytes));
    }

    /** In SentencePiece's own spelling: U+2581 for spaces, and ends of texts without the line breaks around them. */
    TokenizerTables tables() {
        List<byte[]> tokens = new ArrayList<>();
        List<TokenizerTables.Type> types = new ArrayList<>();
        for (int id = 0; id < pieces.length; id++) {
            String text = id < FIRST_BYTE
                    ? List.of("<unk>", "<s>", "</s>").get(id)
                    : latin1(pieces[id]).replace(" ", latin1("\u2581".getBytes(StandardCharsets.UTF_8)));
            tokens.add(text.getBytes(StandardCharsets.ISO_8859_1));
            types.add(
                    id == 0
                            ? TokenizerTables.Type.UNKNOWN
                            : id < FIRST_BYTE
                                    ? TokenizerTables.Type.CONTROL
                                    : id < MIN_VOCABULARY ? TokenizerTables.Type.BYTE : TokenizerTables.Type.NORMAL);
        }
        return new TokenizerTables(
                TokenizerTables.Kind.SENTENCE_PIECE,
                tokens,
                types,
                scores.clone(),
                List.of(),
                null,
                BOS,
                EOS,
                0,
                true,
                true);
    }

    /** Bytes as a string of as many chars: a hashable key. */
    private static String latin1(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    @Override
    public int[] encode(String text, boolean addSpecial) {
        // A code point has at most as many tokens as UTF-8 bytes: 3 per char.
        int[] symbols = new int[Math.addExact(2, Math.multiplyExact(3, text.length()))];
        int count = 0;
        if (!text.isEmpty()) {
            count = appendCodePoint(" ".getBytes(StandardCharsets.UTF_8), symbols, count);
        }
        int codePoint;
        for (int i = 0; i < text.length(); i += Character.charCount(codePoint)) {
            codePoint = text.codePointAt(i);
            count = appendCodePoint(Character.toString(codePoint).getBytes(StandardCharsets.UTF_8), symbols, count);
        }
        int[] merged = merger.merge(Arrays.copyOf(symbols, count));
        if (!addSpecial) {
            return merged;
        }
        int[] withBos = new int[merged.length + 1];
        withBos[0] = BOS;
        System.arraycopy(merged, 0, withBos, 1, merged.length);
        return withBos;
    }

    private int appendCodePoint(byte[] utf8, int[] symbols, int count) {
        Integer id = ids.get(latin1(utf8));
        if (id != null) {
            symbols[count] = id;
            return count + 1;
        }
        for (byte b : utf8) {
            symbols[count++] = FIRST_BYTE + (b & 0xFF);
        }
        return count;
    }

    /** BOS and EOS print nothing; the space that encoding put before the text is dropped after BOS. */
    @Override
    public String decode(int[] tokens) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int previous = -1;
        for (int token : tokens) {
            if (token < 0 || token >= pieces.length) {
                throw new IllegalArgumentException("token " + token + " in a vocabulary of " + pieces.length);
            }
            if (token >= FIRST_BYTE && token < MIN_VOCABULARY && isByteToken(pieces[token])) {
                out.write(token - FIRST_BYTE);
            } else if (token != BOS && token != EOS) {
                int skip = previous == BOS && pieces[token].length > 0 && pieces[token][0] == ' ' ? 1 : 0;
                out.write(pieces[token], skip, pieces[token].length - skip);
            }
            previous = token;
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /** Spelled {@code <0x0A>} in the vocabulary. */
    private static boolean isByteToken(byte[] piece) {
        return piece.length == 6 && piece[0] == '<' && piece[1] == '0' && piece[2] == 'x' && piece[5] == '>';
    }

    @Override
    public int vocabularySize() {
        return pieces.length;
    }

    @Override
    public int bos() {
        return BOS;
    }

    @Override
    public boolean addsBos() {
        return true;
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
