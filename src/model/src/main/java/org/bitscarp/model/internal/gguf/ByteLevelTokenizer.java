package org.bitscarp.model.internal.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * {@code tokenizer.ggml.model = gpt2}: byte-level byte-pair encoding. Regular expressions cut the text into words, the
 * bytes of each word are spelled in {@link ByteAlphabet}, and pairs merge in the order of the list of merges
 * ({@code llm_tokenizer_bpe_session} of llama.cpp).
 */
final class ByteLevelTokenizer extends GgufTokenizer {
    /** Words whose tokens are remembered, and how long they may be: most of a text is a few thousand words. */
    private static final int CACHED_WORDS = 1 << 16;

    private static final int CACHED_LENGTH = 64;

    private final PreTokenizer preTokenizer;
    private final Symbols symbols;
    private final PairTable pairs;
    private final SymbolMerger merger = new SymbolMerger(this::pair);
    private final int[] byteSymbols = new int[256];
    private final Map<String, int[]> cache = new HashMap<>();

    /** @param merges byte strings {@code left + ' ' + right}, first merges first */
    ByteLevelTokenizer(
            GgufVocabulary vocabulary, String[] merges, PreTokenizer preTokenizer, Ends ends, String sha256) {
        super(vocabulary, ends, sha256);
        this.preTokenizer = preTokenizer;
        this.symbols = new Symbols(vocabulary);
        this.pairs = new PairTable(merges.length);
        for (int b = 0; b < byteSymbols.length; b++) {
            byteSymbols[b] = symbols.number(ByteAlphabet.spelling(b));
        }
        for (int rank = 0; rank < merges.length; rank++) {
            // The first character can be a space that is no separator.
            int space = merges[rank].indexOf(' ', 1);
            if (space > 0) {
                String left = merges[rank].substring(0, space);
                String right = merges[rank].substring(space + 1);
                pairs.putIfAbsent(
                        symbols.number(left),
                        symbols.number(right),
                        SymbolMerger.merged(rank, symbols.number(left.concat(right))));
            }
        }
    }

    private long pair(int left, int right) {
        return Math.max(-1, pairs.get(left, right));
    }

    @Override
    void encode(String text, boolean first, TokenList tokens) {
        preTokenizer.words(text, (from, to) -> {
            String word = text.substring(from, to);
            int[] ids = cache.get(word);
            if (ids == null) {
                ids = word(word);
                if (word.length() <= CACHED_LENGTH && cache.size() < CACHED_WORDS) {
                    cache.put(word, ids);
                }
            }
            tokens.addAll(ids, ids.length);
        });
    }

    private int[] word(String word) {
        byte[] utf8 = word.getBytes(StandardCharsets.UTF_8);
        if (preTokenizer.wholeWordsFirst()) {
            StringBuilder spelled = new StringBuilder(2 * utf8.length);
            for (byte b : utf8) {
                spelled.append(ByteAlphabet.spelling(b & 0xFF));
            }
            int id = vocabulary.id(spelled.toString());
            if (id >= 0) {
                return new int[] {id};
            }
        }
        int[] merged = new int[utf8.length];
        for (int i = 0; i < utf8.length; i++) {
            merged[i] = byteSymbols[utf8[i] & 0xFF];
        }
        int count = merger.merge(merged, utf8.length);
        TokenList ids = new TokenList();
        for (int i = 0; i < count; i++) {
            if (symbols.token(merged[i])) {
                ids.add(merged[i]);
            } else {
                // A piece that is no token falls apart into those of its characters that are.
                for (char b : symbols.bytes(merged[i]).toCharArray()) {
                    int id = vocabulary.id(String.valueOf(b));
                    if (id >= 0) {
                        ids.add(id);
                    }
                }
            }
        }
        return ids.toArray();
    }

    @Override
    void decode(int token, ByteArrayOutputStream out) {
        String text = GgufVocabulary.text(vocabulary.bytes(token));
        text.codePoints().forEach(codePoint -> {
            int b = ByteAlphabet.byteOf(codePoint);
            if (b >= 0) {
                out.write(b);
            } else {
                out.writeBytes(Character.toString(codePoint).getBytes(StandardCharsets.UTF_8));
            }
        });
    }
}
