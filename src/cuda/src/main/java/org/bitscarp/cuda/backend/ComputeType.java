package org.bitscarp.cuda.backend;

import java.util.Locale;

/** Arithmetic of matrix products on a GPU; everything else, and every sum, is in fp32 or double whatever the choice. */
public enum ComputeType {
    /** fp32 throughout. */
    FP32,
    /** Operands rounded to 10 explicit bits of mantissa, fp32 sums, on tensor cores. */
    TF32,
    /** Operands rounded to fp16, fp32 sums, on tensor cores. */
    FP16,
    /** Operands rounded to bf16, fp32 sums, on tensor cores. */
    BF16;

    /** The word that users type and reports print. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
