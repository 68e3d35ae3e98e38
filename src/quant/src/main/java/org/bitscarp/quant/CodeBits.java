package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Unsigned codes of 1 to 8 bits as a bit stream: code i occupies bits [i·bits, (i+1)·bits), bit 0 being the lowest bit
 * of the first byte. Unused bits of the last byte are zero.
 *
 * <p>Eight codes fill exactly {@code bits} bytes, so the fast paths move eight codes in one 64-bit word.
 */
final class CodeBits {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_256;
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
    private static final VectorMask<Integer> UPPER = VectorMask.fromLong(INTS, 0xF0);
    /** For each width, the distance of lane i's code from the lowest bit of its half: (i mod 4)·bits. */
    private static final IntVector[] SHIFTS = shifts();

    private CodeBits() {}

    /** Bytes of {@code length} codes. */
    static int bytes(int bits, int length) {
        return Math.toIntExact(((long) length * bits + 7) / 8);
    }

    static void pack(int bits, int[] codes, int length, MemorySegment target, long offset) {
        long end = offset + bytes(bits, length);
        int i = 0;
        // A whole word is stored although only its low bytes are filled: what follows lies in the same block (a
        // neighbouring row may belong to another thread) and is stored next.
        for (; i + 8 <= length && offset + 8 <= end; i += 8, offset += bits) {
            long word = 0;
            for (int k = 0; k < 8; k++) {
                word |= (long) codes[i + k] << k * bits;
            }
            target.set(LONG, offset, word);
        }
        packTail(bits, codes, i, length, target, offset);
    }

    /** The specification of {@link #pack}, from a code that starts a byte on. */
    static void packTail(int bits, int[] codes, int from, int length, MemorySegment target, long offset) {
        int pending = 0;
        int held = 0;
        for (int i = from; i < length; i++) {
            pending |= codes[i] << held;
            for (held += bits; held >= 8; held -= 8, pending >>>= 8) {
                target.set(ValueLayout.JAVA_BYTE, offset++, (byte) pending);
            }
        }
        if (held > 0) {
            target.set(ValueLayout.JAVA_BYTE, offset, (byte) pending);
        }
    }

    /** Reads codes and turns them into {@code scale × (code − zero)}, into {@code w[from, from+length)}. */
    static void unpack(
            int bits, MemorySegment source, long offset, int length, float scale, int zero, float[] w, int from) {
        int i = 0;
        if (Lanes.FAST) {
            long safe = source.byteSize() - 8;
            IntVector shifts = SHIFTS[bits];
            int mask = (1 << bits) - 1;
            for (; i + 8 <= length && offset <= safe; i += 8, offset += bits) {
                long word = source.get(LONG, offset);
                IntVector codes = IntVector.broadcast(INTS, (int) word)
                        .blend((int) (word >>> 4 * bits), UPPER)
                        .lanewise(VectorOperators.LSHR, shifts)
                        .and(mask)
                        .sub(zero);
                ((FloatVector) codes.convertShape(VectorOperators.I2F, FLOATS, 0))
                        .mul(scale)
                        .intoArray(w, from + i);
            }
        }
        unpackTail(bits, source, offset, i, length, scale, zero, w, from);
    }

    /** The specification of {@link #unpack}, from code {@code i}, which starts a byte, on. */
    static void unpackTail(
            int bits,
            MemorySegment source,
            long offset,
            int i,
            int length,
            float scale,
            int zero,
            float[] w,
            int from) {
        int mask = (1 << bits) - 1;
        int pending = 0;
        int held = 0;
        for (; i < length; i++) {
            for (; held < bits; held += 8) {
                pending |= (source.get(ValueLayout.JAVA_BYTE, offset++) & 0xFF) << held;
            }
            w[from + i] = scale * ((pending & mask) - zero);
            pending >>>= bits;
            held -= bits;
        }
    }

    private static IntVector[] shifts() {
        IntVector[] shifts = new IntVector[9];
        for (int bits = 1; bits <= 8; bits++) {
            shifts[bits] = IntVector.zero(INTS).addIndex(1).and(3).mul(bits);
        }
        return shifts;
    }
}
