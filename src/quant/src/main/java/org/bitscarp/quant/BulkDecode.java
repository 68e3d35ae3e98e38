package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The fast paths of {@link NumberFormat#decode}; {@link NumberFormat#get} specifies each of them.
 *
 * <p>Values are first copied to an array. The conversion loop then runs over two arrays, which the compiler vectorizes
 * (FP16 with the machine's own instruction), and it stays that fast whatever mixture of mapped, native and heap
 * segments a program uses.
 */
final class BulkDecode {
    private static final ValueLayout.OfDouble DOUBLE =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private BulkDecode() {}

    static void fp64(MemorySegment source, long offset, int count, float[] target, int from) {
        double[] stored = new double[count];
        MemorySegment.copy(source, DOUBLE, offset, stored, 0, count);
        for (int i = 0; i < count; i++) {
            target[from + i] = (float) stored[i];
        }
    }

    static void fp32(MemorySegment source, long offset, int count, float[] target, int from) {
        MemorySegment.copy(source, FLOAT, offset, target, from, count);
    }

    static void fp16(MemorySegment source, long offset, int count, float[] target, int from) {
        short[] stored = new short[count];
        MemorySegment.copy(source, SHORT, offset, stored, 0, count);
        for (int i = 0; i < count; i++) {
            target[from + i] = Float.float16ToFloat(stored[i]);
        }
    }

    static void bf16(MemorySegment source, long offset, int count, float[] target, int from) {
        short[] stored = new short[count];
        MemorySegment.copy(source, SHORT, offset, stored, 0, count);
        int i = 0;
        if (Lanes.FAST) {
            // The compiler does not vectorize a move of bits from integers to floats by itself.
            for (; i + Lanes.COUNT <= count; i += Lanes.COUNT) {
                IntVector bits = (IntVector) ShortVector.fromArray(ShortVector.SPECIES_128, stored, i)
                        .convertShape(VectorOperators.S2I, IntVector.SPECIES_256, 0);
                bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(target, from + i);
            }
        }
        for (; i < count; i++) {
            target[from + i] = Float.intBitsToFloat(stored[i] << 16);
        }
    }

    /** Eight-bit formats: {@code values} holds one entry for each code. */
    static void fp8(float[] values, MemorySegment source, long offset, int count, float[] target, int from) {
        byte[] stored = new byte[count];
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, offset, stored, 0, count);
        for (int i = 0; i < count; i++) {
            target[from + i] = values[stored[i] & 0xFF];
        }
    }
}
