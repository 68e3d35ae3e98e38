package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;

/** The {@code llama.*} keys of a GGUF file, with llama.cpp's defaults for those that are absent. */
final class GgufLlama {
    private static final String ARCHITECTURE = "llama";
    private static final String PREFIX = ARCHITECTURE + ".";
    private static final String HEADS = PREFIX + "attention.head_count";
    private static final String KV_HEADS = PREFIX + "attention.head_count_kv";
    private static final String KEY_LENGTH = PREFIX + "attention.key_length";
    private static final String VALUE_LENGTH = PREFIX + "attention.value_length";
    private static final String EPSILON = PREFIX + "attention.layer_norm_rms_epsilon";
    private static final String EXPERTS = PREFIX + "expert_count";
    private static final String CAUSAL = PREFIX + "attention.causal";

    private static final int MAX_WIDTH = 1 << 20;
    private static final int MAX_LAYERS = 10_000;
    private static final int MAX_POSITIONS = 1 << 30;
    private static final int MAX_VOCABULARY = 1 << 24;

    private GgufLlama() {}

    static DecoderSpec spec(GgufHeader header, FileChannel channel) throws IOException {
        GgufMetadata metadata = header.metadata();
        String architecture = metadata.string("general.architecture")
                .orElseThrow(() -> new ModelException(
                        header.file() + ": metadata key general.architecture is missing; expected " + ARCHITECTURE));
        if (!architecture.equals(ARCHITECTURE)) {
            throw new ModelException(
                    header.file() + ": architecture " + architecture + " is not supported; supported: " + ARCHITECTURE);
        }
        if (metadata.integerOr(EXPERTS, 0, 0, Integer.MAX_VALUE) > 0) {
            throw metadata.wrong(EXPERTS, "0, since mixtures of experts are not supported");
        }
        if (!metadata.booleanOr(CAUSAL, true)) {
            throw metadata.wrong(CAUSAL, "true, since only causal language models are supported");
        }
        int hidden = metadata.requiredInt(PREFIX + "embedding_length", MAX_WIDTH);
        int heads = metadata.requiredInt(HEADS, MAX_WIDTH);
        int kvHeads = (int) metadata.integerOr(KV_HEADS, heads, 1, MAX_WIDTH);
        if (heads % kvHeads != 0) {
            throw metadata.wrong(KV_HEADS, "a divisor of " + HEADS + " (" + heads + ")");
        }
        int headDim = headDim(metadata, hidden, heads);
        int positions = metadata.requiredInt(PREFIX + "context_length", MAX_POSITIONS);
        double epsilon = metadata.number(EPSILON, 1e-30, 1)
                .orElseThrow(() -> new ModelException(header.file() + ": metadata key " + EPSILON + " is missing"));
        return DecoderSpec.llama(
                architecture,
                vocabulary(header),
                hidden,
                metadata.requiredInt(PREFIX + "block_count", MAX_LAYERS),
                AttentionSpec.full(heads, kvHeads, headDim, GgufRope.read(header, channel, PREFIX, headDim, positions)),
                metadata.requiredInt(PREFIX + "feed_forward_length", 16 * MAX_WIDTH),
                (float) epsilon,
                !header.tensors().containsKey(GgufTensors.HEAD),
                positions);
    }

    private static int headDim(GgufMetadata metadata, int hidden, int heads) throws IOException {
        if (!metadata.has(KEY_LENGTH) && hidden % heads != 0) {
            throw metadata.wrong(
                    HEADS, "a divisor of the embedding length (" + hidden + "), as " + KEY_LENGTH + " is absent");
        }
        int headDim = (int) metadata.integerOr(KEY_LENGTH, hidden / heads, 1, MAX_WIDTH);
        if (metadata.integerOr(VALUE_LENGTH, headDim, 1, MAX_WIDTH) != headDim) {
            throw metadata.wrong(VALUE_LENGTH, "the width of a key (" + headDim + ")");
        }
        if (headDim % 2 != 0 || (long) heads * headDim > MAX_WIDTH) {
            throw new ModelException(metadata.file() + ": " + heads + " heads of " + headDim
                    + "; expected an even width for rotary embedding and heads × width up to " + MAX_WIDTH);
        }
        return headDim;
    }

    /** What the metadata say; the shape of the embedding is checked against it with all other shapes. */
    private static int vocabulary(GgufHeader header) throws IOException {
        GgufMetadata metadata = header.metadata();
        String key = PREFIX + "vocab_size";
        if (metadata.has(key)) {
            return metadata.requiredInt(key, MAX_VOCABULARY);
        }
        long tokens = metadata.count(GgufVocabulary.TOKENS);
        if (tokens < 1 || tokens > MAX_VOCABULARY) {
            throw new ModelException(header.file() + ": metadata keys " + key + " and " + GgufVocabulary.TOKENS
                    + " are missing or empty; expected the size of the vocabulary");
        }
        return (int) tokens;
    }
}
