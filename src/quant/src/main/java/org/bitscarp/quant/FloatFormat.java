package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Weights stored as plain floats: {@code fp32}, {@code fp16}, {@code bf16}. A block is a row and a code is the value's
 * bits. NaN and infinities are kept; a finite weight beyond the format's range is stored as its largest finite value
 * and counted as a fallback.
 */
public final class FloatFormat implements BlockFormat {
    public static final FloatFormat FP32 = new FloatFormat("fp32", NumberFormat.FP32, Float.MAX_VALUE);
    public static final FloatFormat FP16 = new FloatFormat("fp16", NumberFormat.FP16, MiniFloat.FP16.maxValue());
    public static final FloatFormat BF16 = new FloatFormat("bf16", NumberFormat.BF16, MiniFloat.BF16.maxValue());

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String name;
    private final NumberFormat number;
    private final float maxValue;

    private FloatFormat(String name, NumberFormat number, float maxValue) {
        this.name = name;
        this.number = number;
        this.maxValue = maxValue;
    }

    /** The nearest code; infinite where the weight rounds beyond the largest finite value. */
    private int encode(float weight) {
        return switch (number) {
            case FP16 -> Float.floatToFloat16(weight) & 0xFFFF;
            case BF16 -> NumberFormat.floatToBf16(weight);
            default -> Float.floatToRawIntBits(weight);
        };
    }

    private float decode(int code) {
        return switch (number) {
            case FP16 -> Float.float16ToFloat((short) code);
            case BF16 -> Float.intBitsToFloat(code << 16);
            default -> Float.intBitsToFloat(code);
        };
    }

    @Override
    public String name() {
        return name;
    }

    /** The number format of the stored values. */
    public NumberFormat number() {
        return number;
    }

    @Override
    public int blockLength(int columns) {
        return Math.max(1, columns);
    }

    @Override
    public int blockBytes(int length) {
        return Math.multiplyExact(length, number.bytes());
    }

    @Override
    public boolean fitted() {
        return false;
    }

    @Override
    public Grid fit(float[] w, int from, int length) {
        int clamped = 0;
        for (int i = from; i < from + length; i++) {
            clamped += overflows(w[i]) ? 1 : 0;
        }
        return new FloatGrid(this, clamped);
    }

    @Override
    public Grid search(float[] w, int from, int length, float[] importance, int importanceFrom) {
        return fit(w, from, length);
    }

    private boolean overflows(float weight) {
        // Only what lies beyond the largest finite value can round to infinity, so most weights cost one comparison.
        return Math.abs(weight) > maxValue && Float.isFinite(weight) && !Float.isFinite(decode(encode(weight)));
    }

    private record FloatGrid(FloatFormat format, int fallbacks) implements Grid {
        @Override
        public int nearest(int position, float weight) {
            return format.encode(format.overflows(weight) ? Math.copySign(format.maxValue, weight) : weight);
        }

        @Override
        public float value(int position, int code) {
            return format.decode(code);
        }
    }

    @Override
    public void encode(Grid grid, int[] codes, int length, MemorySegment target, long offset) {
        if (number.bytes() == 4) {
            MemorySegment.copy(codes, 0, target, INT, offset, length);
            return;
        }
        for (int i = 0; i < length; i++) {
            target.set(SHORT, offset + 2L * i, (short) codes[i]);
        }
    }

    @Override
    public void decode(MemorySegment source, long offset, int length, float[] w, int from) {
        number.decode(source, offset, length, w, from);
    }

    @Override
    public String toString() {
        return name;
    }

    /** Reads the words {@code fp32}, {@code fp16}, {@code bf16} and their usual synonyms. */
    static final class Family implements FormatFamily {
        @Override
        public List<String> words() {
            return List.of("fp32", "fp16", "bf16");
        }

        @Override
        public BlockFormat read(String word, Modifiers modifiers) {
            return switch (word) {
                case "fp32", "f32", "float32" -> FP32;
                case "fp16", "f16", "float16", "half" -> FP16;
                case "bf16", "bfloat16" -> BF16;
                default -> null;
            };
        }
    }
}
