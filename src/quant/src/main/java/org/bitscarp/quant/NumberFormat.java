package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * A number format of stored values. Values are stored little-endian and computed with as fp32.
 *
 * <p>{@link #get} is the specification of {@link #decode}.
 */
public enum NumberFormat implements StoredFormat {
    /** Read as the nearest fp32. */
    FP64(8) {
        @Override
        public float get(MemorySegment source, long offset) {
            return (float) source.get(DOUBLE, offset);
        }

        @Override
        public void put(MemorySegment target, long offset, float value) {
            target.set(DOUBLE, offset, value);
        }

        @Override
        void decodeChunk(MemorySegment source, long offset, int count, float[] target, int from) {
            BulkDecode.fp64(source, offset, count, target, from);
        }
    },
    FP32(4) {
        @Override
        public float get(MemorySegment source, long offset) {
            return source.get(FLOAT, offset);
        }

        @Override
        public void put(MemorySegment target, long offset, float value) {
            target.set(FLOAT, offset, value);
        }

        @Override
        void decodeChunk(MemorySegment source, long offset, int count, float[] target, int from) {
            BulkDecode.fp32(source, offset, count, target, from);
        }
    },
    FP16(2) {
        @Override
        public float get(MemorySegment source, long offset) {
            return Float.float16ToFloat(source.get(SHORT, offset));
        }

        @Override
        public void put(MemorySegment target, long offset, float value) {
            target.set(SHORT, offset, Float.floatToFloat16(value));
        }

        @Override
        void decodeChunk(MemorySegment source, long offset, int count, float[] target, int from) {
            BulkDecode.fp16(source, offset, count, target, from);
        }
    },
    BF16(2) {
        @Override
        public float get(MemorySegment source, long offset) {
            return Float.intBitsToFloat(source.get(SHORT, offset) << 16);
        }

        @Override
        public void put(MemorySegment target, long offset, float value) {
            target.set(SHORT, offset, (short) floatToBf16(value));
        }

        @Override
        void decodeChunk(MemorySegment source, long offset, int count, float[] target, int from) {
            BulkDecode.bf16(source, offset, count, target, from);
        }
    },
    /** {@link MiniFloat#E4M3}; {@link #put} does not saturate: what exceeds 448 after rounding becomes NaN. */
    FP8_E4M3(1) {
        @Override
        public float get(MemorySegment source, long offset) {
            return Tables.E4M3[source.get(ValueLayout.JAVA_BYTE, offset) & 0xFF];
        }

        @Override
        public void put(MemorySegment target, long offset, float value) {
            target.set(ValueLayout.JAVA_BYTE, offset, (byte) MiniFloat.E4M3.encode(value));
        }

        @Override
        void decodeChunk(MemorySegment source, long offset, int count, float[] target, int from) {
            BulkDecode.fp8(Tables.E4M3, source, offset, count, target, from);
        }
    },
    /** {@link MiniFloat#E5M2}; {@link #put} does not saturate: what exceeds 57344 after rounding becomes infinite. */
    FP8_E5M2(1) {
        @Override
        public float get(MemorySegment source, long offset) {
            return Tables.E5M2[source.get(ValueLayout.JAVA_BYTE, offset) & 0xFF];
        }

        @Override
        public void put(MemorySegment target, long offset, float value) {
            target.set(ValueLayout.JAVA_BYTE, offset, (byte) MiniFloat.E5M2.encode(value));
        }

        @Override
        void decodeChunk(MemorySegment source, long offset, int count, float[] target, int from) {
            BulkDecode.fp8(Tables.E5M2, source, offset, count, target, from);
        }
    };

    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat NATIVE_FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    /** Values decoded at a time: what they need stays in the first-level cache. */
    private static final int CHUNK = 2048;

    private final int bytes;

    NumberFormat(int bytes) {
        this.bytes = bytes;
    }

    /** Size of one value. */
    public int bytes() {
        return bytes;
    }

    @Override
    public int pieceLength() {
        return 1;
    }

    @Override
    public int pieceBytes() {
        return bytes;
    }

    /** The value stored at a byte offset, as fp32 (nearest for FP64, exact for the others; NaN stays NaN). */
    public abstract float get(MemorySegment source, long offset);

    /** Stores the nearest value of this format, ties to even, at a byte offset. */
    public abstract void put(MemorySegment target, long offset, float value);

    @Override
    public void decode(MemorySegment source, long sourceOffset, long count, MemorySegment target, long targetOffset) {
        if (count < 0 || count > Long.MAX_VALUE / 8) {
            throw new IndexOutOfBoundsException("cannot decode " + count + " values");
        }
        MemorySegment from = source.asSlice(sourceOffset, count * bytes);
        MemorySegment to = target.asSlice(targetOffset, count * 4);
        float[] chunk = new float[(int) Math.min(count, CHUNK)];
        for (long i = 0; i < count; i += CHUNK) {
            int length = (int) Math.min(CHUNK, count - i);
            decodeChunk(from, bytes * i, length, chunk, 0);
            MemorySegment.copy(chunk, 0, to, NATIVE_FLOAT, 4 * i, length);
        }
    }

    /**
     * Decodes {@code count} consecutive values into {@code target[from, from+count)}.
     *
     * @param sourceOffset byte offset of the first stored value, any alignment
     * @throws IndexOutOfBoundsException when either range does not lie within its segment or array
     */
    public void decode(MemorySegment source, long sourceOffset, int count, float[] target, int from) {
        Objects.checkFromIndexSize(from, count, target.length);
        MemorySegment slice = source.asSlice(sourceOffset, (long) count * bytes);
        for (int i = 0; i < count; i += CHUNK) {
            decodeChunk(slice, (long) bytes * i, Math.min(CHUNK, count - i), target, from + i);
        }
    }

    abstract void decodeChunk(MemorySegment source, long offset, int count, float[] target, int from);

    /** The bits of the nearest BF16, ties to even, NaN quiet. Agrees with {@link MiniFloat#BF16}. */
    static int floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (value != value) {
            return bits >>> 16 & 0x8000 | 0x7FC0;
        }
        return bits + 0x7FFF + (bits >>> 16 & 1) >>> 16;
    }

    private static final class Tables {
        static final float[] E4M3 = table(MiniFloat.E4M3);
        static final float[] E5M2 = table(MiniFloat.E5M2);

        private static float[] table(MiniFloat format) {
            float[] values = new float[256];
            for (int code = 0; code < 256; code++) {
                values[code] = format.decode(code);
            }
            return values;
        }
    }
}
