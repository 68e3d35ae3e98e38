package org.bitscarp.model.internal.gguf;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * {@code tokenizer.ggml.model = llama}: SentencePiece's byte-pair encoding. Spaces become U+2581, then the neighbours
 * whose concatenation is the token of the best score are merged; characters that end up without a token become byte
 * tokens {@code <0xXX>} ({@code llm_tokenizer_spm_session} of llama.cpp).
 */
final class SentencePieceTokenizer extends GgufTokenizer {
    private static final char SPACE_MARK = '\u2581';
    private static final String SPACE_MARK_BYTES = GgufVocabulary.bytesOf(String.valueOf(SPACE_MARK));

    private final boolean spacePrefix;
    private final int[] ranks;
    private final int[] byteTokens = new int[256];
    private final Symbols symbols;
    private final PairTable pairs = new PairTable(1 << 12);
    private final SymbolMerger merger = new SymbolMerger(this::pair);

    /**
     * @param scores by token; the highest merges first
     * @param unknown token for bytes that have none, or −1 to leave them out
     * @param spacePrefix whether a text begins with a space that it does not show
     */
    SentencePieceTokenizer(
            GgufVocabulary vocabulary, float[] scores, int unknown, boolean spacePrefix, Ends ends, String sha256) {
        super(vocabulary, ends, sha256);
        this.spacePrefix = spacePrefix;
        this.ranks = ranks(scores, vocabulary.size());
        this.symbols = new Symbols(vocabulary);
        for (int b = 0; b < byteTokens.length; b++) {
            int id = vocabulary.id(String.format("<0x%02X>", b));
            byteTokens[b] = id >= 0 ? id : vocabulary.id(String.valueOf((char) b));
            if (byteTokens[b] < 0) {
                byteTokens[b] = unknown;
            }
        }
    }

    /** Position of each token's score among the different scores, highest first. */
    private static int[] ranks(float[] scores, int count) {
        float[] sorted = Arrays.copyOf(scores, count);
        // 0.0 and −0.0 are the same score.
        for (int i = 0; i < count; i++) {
            sorted[i] += 0f;
        }
        Arrays.sort(sorted);
        int[] ranks = new int[count];
        for (int i = 0; i < count; i++) {
            ranks[i] = count - 1 - Arrays.binarySearch(sorted, scores[i] + 0f);
        }
        // A search may stop anywhere among equals; all of them take the place of the first.
        int[] first = new int[count];
        for (int i = 0; i < count; i++) {
            first[i] = i > 0 && sorted[count - 1 - i] == sorted[count - i] ? first[i - 1] : i;
        }
        for (int i = 0; i < count; i++) {
            ranks[i] = first[ranks[i]];
        }
        return ranks;
    }

    private long pair(int left, int right) {
        long known = pairs.get(left, right);
        if (known == PairTable.ABSENT) {
            int id = vocabulary.id(symbols.bytes(left).concat(symbols.bytes(right)));
            known = id < 0 ? -1 : SymbolMerger.merged(ranks[id], id);
            pairs.putIfAbsent(left, right, known);
        }
        return known;
    }

    @Override
    void encode(String text, boolean first, TokenList tokens) {
        String marked = (spacePrefix && first ? " " + text : text).replace(' ', SPACE_MARK);
        int[] merged = new int[marked.length()];
        int count = 0;
        int codePoint;
        for (int i = 0; i < marked.length(); i += Character.charCount(codePoint)) {
            codePoint = marked.codePointAt(i);
            merged[count++] = symbols.number(GgufVocabulary.bytesOf(Character.toString(codePoint)));
        }
        count = merger.merge(merged, count);
        for (int i = 0; i < count; i++) {
            if (symbols.token(merged[i])) {
                tokens.add(merged[i]);
            } else {
                for (char b : symbols.bytes(merged[i]).toCharArray()) {
                    if (byteTokens[b] >= 0) {
                        tokens.add(byteTokens[b]);
                    }
                }
            }
        }
    }

    /** The space that encoding puts before a text is not printed. */
    @Override
    public String decode(int[] ids) {
        String text = super.decode(ids);
        return spacePrefix && text.startsWith(" ") ? text.substring(1) : text;
    }

    @Override
    void decode(int token, ByteArrayOutputStream out) {
        String bytes = vocabulary.bytes(token);
        if (vocabulary.type(token) == GgufVocabulary.BYTE && bytes.matches("<0x[0-9A-Fa-f]{2}>")) {
            out.write(HexFormat.fromHexDigits(bytes, 3, 5));
        } else {
            write(bytes.replace(SPACE_MARK_BYTES, " "), out);
        }
    }
}
