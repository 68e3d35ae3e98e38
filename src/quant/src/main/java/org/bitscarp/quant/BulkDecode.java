package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The fast paths of {@link NumberFormat#decode}; {@link NumberFormat#get} specifies each of them and takes the tails. */
final class BulkDecode {
    private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_128;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
    private static final ByteOrder LITTLE = ByteOrder.LITTLE_ENDIAN;

    private BulkDecode() {}

    static void bf16(MemorySegment source, long from, long count, MemorySegment target, long to) {
        long i = 0;
        if (Lanes.FAST) {
            for (; i + Lanes.COUNT <= count; i += Lanes.COUNT) {
                IntVector bits = widen(source, from + 2 * i).lanewise(VectorOperators.LSHL, 16);
                bits.intoMemorySegment(target, to + 4 * i, ByteOrder.nativeOrder());
            }
        }
        one(NumberFormat.BF16, source, from, i, count, target, to);
    }

    /**
     * Moving a half's exponent and mantissa bits into a float's place makes a float that is 2^112 too small, whether
     * the half was normal or subnormal (biases 15 and 127); one exact multiplication mends it. Infinity and NaN, whose
     * exponent field has to stay all ones, get it put back.
     */
    static void fp16(MemorySegment source, long from, long count, MemorySegment target, long to) {
        long i = 0;
        if (Lanes.FAST) {
            for (; i + Lanes.COUNT <= count; i += Lanes.COUNT) {
                IntVector half = widen(source, from + 2 * i);
                IntVector magnitude = half.and(0x7FFF);
                IntVector scaled = magnitude
                        .lanewise(VectorOperators.LSHL, 13)
                        .reinterpretAsFloats()
                        .mul(0x1p112f)
                        .reinterpretAsInts();
                var special = magnitude.compare(VectorOperators.GE, 0x7C00);
                IntVector bits = scaled.lanewise(VectorOperators.OR, 0x7F800000, special)
                        .or(half.and(0x8000).lanewise(VectorOperators.LSHL, 16));
                bits.intoMemorySegment(target, to + 4 * i, ByteOrder.nativeOrder());
            }
        }
        one(NumberFormat.FP16, source, from, i, count, target, to);
    }

    /** Eight-bit formats: one table entry for each code. */
    static void table(float[] values, MemorySegment source, long from, long count, MemorySegment target, long to) {
        for (long i = 0; i < count; i++) {
            float value = values[source.get(ValueLayout.JAVA_BYTE, from + i) & 0xFF];
            target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, to + 4 * i, value);
        }
    }

    private static IntVector widen(MemorySegment source, long offset) {
        return (IntVector) ShortVector.fromMemorySegment(SHORTS, source, offset, LITTLE)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
    }

    private static void one(
            NumberFormat format, MemorySegment source, long from, long i, long count, MemorySegment target, long to) {
        for (; i < count; i++) {
            float value = format.get(source, from + format.bytes() * i);
            target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, to + 4 * i, value);
        }
    }
}
