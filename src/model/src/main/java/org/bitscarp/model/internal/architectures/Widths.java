package org.bitscarp.model.internal.architectures;

import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;
import org.bitscarp.model.internal.ConfigFields;

/**
 * The sizes of a decoder. Widths and depths have no default: a file without them is no configuration.
 *
 * @param positions context length that the model was made for
 */
record Widths(int vocabulary, int hidden, int layers, int heads, int kvHeads, int headDim, int positions) {
    private static final int MAX_WIDTH = 1 << 20;
    private static final int MAX_FFN = 16 * MAX_WIDTH;
    private static final int MAX_VOCABULARY = 1 << 24;
    private static final int MAX_LAYERS = 10_000;
    private static final int MAX_POSITIONS = 1 << 30;

    /** What a family calls its sizes. */
    private record Keys(String hidden, String layers, String heads, String positions) {
        static final Keys USUAL =
                new Keys("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings");
        static final Keys GPT2 = new Keys("n_embd", "n_layer", "n_head", "n_positions");
    }

    /**
     * A family with grouped keys and its own head width.
     *
     * @param kvHeads default of {@code num_key_value_heads}; 0 for as many as query heads, which {@code null} means too
     * @param headDim default of {@code head_dim}; 0 for hidden / heads
     * @param positions default of {@code max_position_embeddings}
     */
    static Widths read(ConfigFields config, int kvHeads, int headDim, int positions) throws ModelException {
        int hidden = config.requiredInt(Keys.USUAL.hidden, MAX_WIDTH);
        int heads = config.requiredInt(Keys.USUAL.heads, MAX_WIDTH);
        int groups = config.intOr("num_key_value_heads", kvHeads == 0 ? heads : kvHeads, MAX_WIDTH);
        if (config.isNull("num_key_value_heads")) {
            groups = heads;
        }
        if (heads % groups != 0) {
            throw config.wrong(
                    "num_key_value_heads",
                    "a divisor of num_attention_heads (" + heads + ")"
                            + (config.has("num_key_value_heads") ? "" : "; absent means " + groups));
        }
        boolean derived = !config.has("head_dim") && headDim == 0;
        if (derived && hidden % heads != 0) {
            throw config.wrong(
                    "num_attention_heads", "a divisor of hidden_size (" + hidden + "), as head_dim is absent");
        }
        int width = config.intOr("head_dim", derived ? hidden / heads : headDim, MAX_WIDTH);
        return new Widths(
                        config.requiredInt("vocab_size", MAX_VOCABULARY),
                        hidden,
                        config.requiredInt(Keys.USUAL.layers, MAX_LAYERS),
                        heads,
                        groups,
                        width,
                        config.intOr(Keys.USUAL.positions, positions, MAX_POSITIONS))
                .checked(config, derived);
    }

    private Widths checked(ConfigFields config, boolean derived) throws ModelException {
        if (headDim % 2 != 0) {
            throw new ModelException(config.file() + ": head_dim: expected an even number for rotary embedding, found "
                    + headDim + (derived ? " (hidden_size / num_attention_heads)" : ""));
        }
        if (queries() > MAX_WIDTH) {
            throw config.wrong("num_attention_heads", "heads × head_dim up to " + MAX_WIDTH);
        }
        return this;
    }

    /** A family without grouped keys whose heads divide the hidden state. */
    static Widths divided(ConfigFields config, int positions) throws ModelException {
        return divided(config, Keys.USUAL, positions);
    }

    /** GPT-2's own names. */
    static Widths gpt2(ConfigFields config) throws ModelException {
        return divided(config, Keys.GPT2, 1024);
    }

    private static Widths divided(ConfigFields config, Keys keys, int positions) throws ModelException {
        int hidden = config.requiredInt(keys.hidden, MAX_WIDTH);
        int heads = config.requiredInt(keys.heads, MAX_WIDTH);
        if (hidden % heads != 0) {
            throw config.wrong(keys.heads, "a divisor of " + keys.hidden + " (" + hidden + ")");
        }
        return new Widths(
                config.requiredInt("vocab_size", MAX_VOCABULARY),
                hidden,
                config.requiredInt(keys.layers, MAX_LAYERS),
                heads,
                heads,
                hidden / heads,
                config.intOr(keys.positions, positions, MAX_POSITIONS));
    }

    /** Outputs of the query projection. */
    long queries() {
        return (long) heads * headDim;
    }

    /** Outputs of the key projection, and of the value projection. */
    long keys() {
        return (long) kvHeads * headDim;
    }

    /** Attention to everything before a token. */
    AttentionSpec attention(Rope rope) {
        return AttentionSpec.full(heads, kvHeads, headDim, rope);
    }

    /** The inner width of the feed-forward block, under a family's name for it. */
    static int ffn(ConfigFields config, String key) throws ModelException {
        return config.requiredInt(key, MAX_FFN);
    }
}
