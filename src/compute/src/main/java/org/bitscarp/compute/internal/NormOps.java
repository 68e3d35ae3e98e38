package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/** Operations on one row that need all of it first. Offsets and lengths are in floats. */
public final class NormOps {
    private NormOps() {}

    /** y = (x − mean) / √(variance + epsilon) · gain + bias; y lies at the same offset as x. */
    public static void layerNorm(
            MemorySegment x,
            long at,
            MemorySegment gain,
            MemorySegment bias,
            float epsilon,
            MemorySegment y,
            int length) {
        double mean = 0;
        for (int i = 0; i < length; i++) {
            mean += x.getAtIndex(JAVA_FLOAT, at + i);
        }
        mean /= length;
        double squares = 0;
        for (int i = 0; i < length; i++) {
            double d = x.getAtIndex(JAVA_FLOAT, at + i) - mean;
            squares += d * d;
        }
        float inverse = (float) (1 / Math.sqrt(squares / length + epsilon));
        float center = (float) mean;
        for (int i = 0; i < length; i++) {
            float normed = (x.getAtIndex(JAVA_FLOAT, at + i) - center) * inverse;
            y.setAtIndex(
                    JAVA_FLOAT,
                    at + i,
                    Math.fma(normed, gain.getAtIndex(JAVA_FLOAT, i), bias.getAtIndex(JAVA_FLOAT, i)));
        }
    }

    /** x = clamp(round(x·s), −128, 127) / s with s = 127 / max(|x|, 1e-5). */
    public static void roundToInt8(MemorySegment x, long at, int length) {
        float max = 0;
        for (int i = 0; i < length; i++) {
            max = Math.max(max, Math.abs(x.getAtIndex(JAVA_FLOAT, at + i)));
        }
        float scale = 127 / Math.max(max, 1e-5f);
        for (int i = 0; i < length; i++) {
            float rounded = (float) Math.rint(x.getAtIndex(JAVA_FLOAT, at + i) * scale);
            x.setAtIndex(JAVA_FLOAT, at + i, Math.max(-128, Math.min(127, rounded)) / scale);
        }
    }
}
