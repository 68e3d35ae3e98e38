package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Block scales, stored as little-endian FP16. */
public final class HalfScale {
    /** Bytes of a stored scale. */
    public static final int BYTES = 2;

    private static final float MAX = MiniFloat.FP16.maxValue();
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private HalfScale() {}

    /** The nearest FP16 value of a finite or infinite scale, clamped to ±65504. */
    public static float round(float scale) {
        return Float.float16ToFloat(Float.floatToFloat16(Math.clamp(scale, -MAX, MAX)));
    }

    /** Whether the nearest FP16 value is infinite, so that {@link #round} clamps. */
    public static boolean overflows(float scale) {
        return Float.isInfinite(Float.float16ToFloat(Float.floatToFloat16(scale)));
    }

    /** Stores the nearest FP16 value, infinite beyond FP16's range. */
    public static void put(MemorySegment target, long offset, float scale) {
        target.set(SHORT, offset, Float.floatToFloat16(scale));
    }

    /** The scale stored at a byte offset of any alignment. */
    public static float get(MemorySegment source, long offset) {
        return Float.float16ToFloat(source.get(SHORT, offset));
    }
}
