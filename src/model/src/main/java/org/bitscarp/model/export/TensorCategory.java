package org.bitscarp.model.export;

/** What a tensor of a GGUF file is to the rules of llama.cpp's mixes; told from its name. */
enum TensorCategory {
    OUTPUT,
    TOKEN_EMBEDDING,
    ATTENTION_QKV,
    ATTENTION_V,
    ATTENTION_K,
    ATTENTION_Q,
    ATTENTION_OUTPUT,
    FFN_UP,
    FFN_GATE,
    FFN_DOWN,
    OTHER;

    /** Names of {@code llama-quant.cpp}'s {@code tensor_get_category}. */
    static TensorCategory of(String name) {
        if (name.equals("output.weight")) {
            return OUTPUT;
        }
        if (name.equals("token_embd.weight")) {
            return TOKEN_EMBEDDING;
        }
        if (name.contains("attn_qkv.weight")) {
            return ATTENTION_QKV;
        }
        if (name.contains("attn_v.weight")) {
            return ATTENTION_V;
        }
        if (name.contains("attn_k.weight")) {
            return ATTENTION_K;
        }
        if (name.contains("attn_q.weight")) {
            return ATTENTION_Q;
        }
        if (name.contains("attn_output.weight")) {
            return ATTENTION_OUTPUT;
        }
        if (name.contains("ffn_up")) {
            return FFN_UP;
        }
        if (name.contains("ffn_gate")) {
            return FFN_GATE;
        }
        return name.contains("ffn_down") ? FFN_DOWN : OTHER;
    }

    /** Values, alone or together with queries and keys: what suffers most from few bits. */
    boolean holdsValues() {
        return this == ATTENTION_V || this == ATTENTION_QKV;
    }
}
