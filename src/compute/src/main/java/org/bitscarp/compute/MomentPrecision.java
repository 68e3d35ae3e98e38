package org.bitscarp.compute;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Arithmetic of second moments, the sums Σ x·xᵀ over calibration tokens. A solver damps their diagonal by at least a hundredth of its
 * mean before it inverts them (GPTQ, section 3.3), far more than what any of these leaves out;
 * {@code docs/adr/0018} has the figures.
 */
public enum MomentPrecision {
    /**
     * Inputs rounded to bf16, to the nearest and ties to even, products and sums in fp32: twice the rate of fp32 where a CPU
     * has the instruction (AVX512_BF16, AMX). The sums are the exact moments of slightly different inputs, so that they stay
     * positive semidefinite but for the rounding of fp32.
     */
    BF16,
    /** Inputs, products and sums in fp32. */
    FP32,
    /** Inputs and products in fp32; what each calibration window adds is summed with twice the digits of fp32. */
    COMPENSATED;

    /** As users write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** All words, for messages. */
    public static String words() {
        return Arrays.stream(values()).map(MomentPrecision::word).collect(Collectors.joining(", "));
    }
}
