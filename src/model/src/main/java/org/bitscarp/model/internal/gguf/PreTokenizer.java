package org.bitscarp.model.internal.gguf;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * How a text is cut into words before byte-pair encoding: the value of {@code tokenizer.ggml.pre}. Expressions are those
 * of the tokenizers of the models as llama.cpp states them ({@code llm_tokenizer_bpe} in {@code llama-vocab.cpp}); where
 * it emulates a construct, the construct stands here.
 */
enum PreTokenizer {
    DEFAULT("default", List.of("[\\p{P}$+<=>^~|]+", Parts.GPT2, "\\p{N}+", "[0-9][0-9][0-9]")),
    GPT2(
            "gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert jina-v1-en jina-v2-code"
                    + " roberta-bpe exaone4 mpt olmo jais trillion granite-docling",
            List.of(Parts.GPT2)),
    SINGLE_DIGITS(
            "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", List.of("\\p{N}", Parts.GPT2)),
    LLAMA3(
            "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
            List.of(Parts.CONTRACTIONS + "|" + Parts.WORD + "|\\p{N}{1,3}" + Parts.REST)),
    TRIPLE_DIGITS(
            "dbrx smaug-bpe glm4 chatglm-bpe",
            List.of(Parts.CONTRACTIONS + "|" + Parts.WORD + "|\\p{N}{1,3}" + Parts.REST)),
    QWEN2(
            "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2",
            List.of(Parts.CONTRACTIONS + "|" + Parts.WORD + "|\\p{N}" + Parts.REST)),
    QWEN35(
            "qwen35",
            List.of(Parts.CONTRACTIONS
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*"
                    + Parts.SPACES)),
    UFAKZEKA("ufakzeka", List.of(Parts.WORD + "|\\p{N}" + Parts.REST)),
    SEED_CODER(
            "seed-coder",
            List.of(Parts.CONTRACTIONS + "|" + Parts.WORD + "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" + Parts.SPACES)),
    MINICPM5("minicpm5", List.of("\\p{N}{1,3}", Parts.CONTRACTIONS + "|" + Parts.WORD + "|\\p{N}+" + Parts.REST)),
    BAILING(
            "bailingmoe bailingmoe2 llada-moe",
            List.of("'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|" + Parts.WORD
                    + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+")),
    DEEPSEEK_LLM(
            "deepseek-llm",
            List.of(
                    "[\\r\\n]",
                    "\\s?[" + Parts.CASED_LETTERS + "]+",
                    "\\s?[!-/:-~\\uFF01-\\uFF0F\\uFF1A-\\uFF5E\\u2018-\\u201F\\u3001\\u3002]+",
                    "\\s+\\z",
                    Parts.EAST_ASIAN,
                    "\\p{N}+")),
    DEEPSEEK_CODER("deepseek-coder", List.of("[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", Parts.EAST_ASIAN, "\\p{N}")),
    DEEPSEEK_V3(
            "deepseek-v3 hunyuan-dense joyai-llm hy_v4",
            List.of(
                    "\\p{N}{1,3}",
                    "[\\u4E00-\\u9FA5\\u3040-\\u309F\\u30A0-\\u30FF]+",
                    "[!-/:-@\\[-`{-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*"
                            + Parts.SPACES)),
    FALCON("falcon", List.of("[\\p{P}$+<=>^~|`]+", Parts.GPT2, "[0-9][0-9][0-9]")),
    BLOOM("bloom poro-chat gpt3-finnish", List.of(Parts.BLOOM)),
    VIKING("viking", List.of(Parts.BLOOM, "\\p{N}")),
    TEKKEN(
            "tekken",
            List.of(Parts.PREFIX + Parts.NOT_LOWER + "*" + Parts.NOT_UPPER + "+|" + Parts.PREFIX + Parts.NOT_LOWER + "+"
                    + Parts.NOT_UPPER + "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" + Parts.SPACES)),
    GPT4O(
            "gpt-4o llama4 kanana2 talkie minimax-m2",
            List.of(Parts.PREFIX + Parts.NOT_LOWER + "*" + Parts.NOT_UPPER + "+" + Parts.CONTRACTIONS + "?|"
                    + Parts.PREFIX
                    + Parts.NOT_LOWER + "+" + Parts.NOT_UPPER + "*" + Parts.CONTRACTIONS
                    + "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" + Parts.SPACES));

    /** Pieces that several expressions share; a class of its own, since constants of an enum come before its fields. */
    private static final class Parts {
        static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
        static final String CONTRACTIONS = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])";
        static final String PREFIX = "[^\\r\\n\\p{L}\\p{N}]?";
        static final String WORD = PREFIX + "\\p{L}+";
        static final String SPACES = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
        static final String REST = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" + SPACES;

        /** A letter that is no ASCII lower-case or upper-case one. */
        static final String NOT_LOWER = "[\\p{L}&&[^a-z]]";

        static final String NOT_UPPER = "[\\p{L}&&[^A-Z]]";

        /** llama.cpp turns white space beyond ASCII into a control character before it looks at ranges. */
        static final String EAST_ASIAN = "[\\u4E00-\\u9FA5\\u0800-\\u4E00\\uAC00-\\uD7FF&&\\S]+";

        static final String BLOOM = " ?[^(\\s|.,!?\\u2026\\u3002\\uFF0C\\u3001\\u0964\\u06D4\\u060C)]+";

        /** The letters with case that the tokenizer.json of DeepSeek LLM lists. */
        static final String CASED_LETTERS =
                "A-Za-z\\u00B5\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u01BA\\u01BC-\\u01BF\\u01C4-\\u0293"
                        + "\\u0295-\\u02AF\\u0370-\\u0373\\u0376\\u0377\\u037B-\\u037D\\u037F\\u0386\\u0388-\\u038A\\u038C"
                        + "\\u038E-\\u03A1\\u03A3-\\u03F5\\u03F7-\\u0481\\u048A-\\u052F\\u0531-\\u0556\\u10A0-\\u10C5"
                        + "\\u13A0-\\u13F5\\u13F8-\\u13FD\\u1C90-\\u1CBA\\u1CBD-\\u1CBF\\u1D00-\\u1D2B\\u1D6B-\\u1D77"
                        + "\\u1D79-\\u1D9A\\u1E00-\\u1F15\\u1F18-\\u1F1D\\u1F20-\\u1F45\\u1F48-\\u1F4D\\u1F50-\\u1F57"
                        + "\\u1F59\\u1F5B\\u1F5D\\u1F5F-\\u1F7D\\u1F80-\\u1FB4\\u1FB6-\\u1FBC\\u1FBE\\u1FC2-\\u1FC4"
                        + "\\u1FC6-\\u1FCC\\u1FD0-\\u1FD3\\u1FD6-\\u1FDB\\u1FE0-\\u1FEC\\u1FF2-\\u1FF4\\u1FF6-\\u1FFC"
                        + "\\u2102\\u2107\\u210A-\\u2113\\u2115\\u2119-\\u211D\\u2124\\u2126\\u2128\\u212A-\\u212D"
                        + "\\u212F-\\u2134\\u2139\\u213C-\\u213F\\u2145-\\u2149\\u214E\\u2183\\u2184\\u2C00-\\u2C7B"
                        + "\\u2C7E-\\u2CE4\\u2CEB-\\u2CEE\\u2CF2\\u2CF3\\uA640-\\uA66D\\uA680-\\uA69B\\uA722-\\uA76F"
                        + "\\uA771-\\uA787\\uA78B-\\uA78E\\uAB70-\\uABBF\\uFB00-\\uFB06\\uFB13-\\uFB17\\uFF21-\\uFF3A"
                        + "\\uFF41-\\uFF5A\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}"
                        + "\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}\\x{1E900}-\\x{1E943}";
    }

    private final List<String> names;
    private final WordSplitter splitter;

    PreTokenizer(String names, List<String> expressions) {
        this.names = List.of(names.split(" "));
        this.splitter = new WordSplitter(expressions);
    }

    static Optional<PreTokenizer> of(String name) {
        return Arrays.stream(values()).filter(p -> p.names.contains(name)).findFirst();
    }

    /** Every name, for messages. */
    static String supported() {
        return Arrays.stream(values()).flatMap(p -> p.names.stream()).sorted().collect(Collectors.joining(", "));
    }

    /** The name that stands for all that cut alike. */
    String canonicalName() {
        return names.getFirst();
    }

    void words(String text, WordSplitter.Words words) {
        splitter.split(text, words);
    }

    /** Whether a word that is a token is not taken apart, whatever the merges say ({@code ignore_merges}). */
    boolean wholeWordsFirst() {
        return this == LLAMA3 || this == TEKKEN || this == MINICPM5;
    }

    /** Whether texts begin with BOS where the file does not say. */
    boolean addsBos() {
        return this == LLAMA3 || this == TEKKEN;
    }
}
