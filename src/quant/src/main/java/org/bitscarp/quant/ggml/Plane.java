package org.bitscarp.quant.ggml;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.bitscarp.quant.Lanes;

/**
 * Some bits of every code of a block, as they lie in the block's bytes.
 *
 * <p>A byte holds {@code bits} bits of 8 / bits codes that stand {@code stride} positions apart: position p = (g × 8 /
 * bits + k) × stride + l lies in byte g × stride + l, shifted left by k × bits. With stride 1 neighbours share a byte,
 * with stride 16 and 4 bits the two halves of 32 codes do.
 *
 * @param at byte offset within the block
 * @param bits 1, 2, 4 or 8
 * @param stride distance of the codes that share a byte
 * @param up where the bits belong within the code: 0 for the lowest
 */
record Plane(int at, int bits, int stride, int up) {
    private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_256;
    private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_64;

    /** Adds this plane's bits to {@code codes[0..count)}, which start as 0. */
    void unpack(byte[] block, int[] codes, int count) {
        int mask = (1 << bits) - 1;
        int from = at;
        if (stride == 1) {
            for (int p = 0; p < count; from++) {
                for (int shift = 0; shift < 8; shift += bits) {
                    codes[p++] |= (block[from] >> shift & mask) << up;
                }
            }
            return;
        }
        for (int p = 0; p < count; from += stride) {
            for (int shift = 0; shift < 8; shift += bits, p += stride) {
                for (int l = 0; l < stride; l++) {
                    codes[p + l] |= (block[from + l] >> shift & mask) << up;
                }
            }
        }
    }

    /** Adds {@code codes[0..count)}'s bits to the bytes of the block that begins at {@code begin}, which start as 0. */
    void pack(int[] codes, int count, byte[] bytes, int begin) {
        if (Lanes.FAST && stride % Lanes.COUNT == 0) {
            packLanes(codes, count, bytes, begin + at);
        } else {
            packBytes(codes, count, bytes, begin + at);
        }
    }

    /** Eight bytes at a time. */
    private void packLanes(int[] codes, int count, byte[] block, int from) {
        int mask = (1 << bits) - 1;
        for (int p = 0; p < count; from += stride, p += 8 / bits * stride) {
            for (int l = 0; l < stride; l += Lanes.COUNT) {
                IntVector bytes = IntVector.zero(INTS);
                for (int shift = 0, q = p + l; shift < 8; shift += bits, q += stride) {
                    bytes = bytes.or(IntVector.fromArray(INTS, codes, q)
                            .lanewise(VectorOperators.LSHR, up)
                            .and(mask)
                            .lanewise(VectorOperators.LSHL, shift));
                }
                ((ByteVector) bytes.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(block, from + l);
            }
        }
    }

    /** The specification of {@link #pack}; the bits begin at byte {@code from}. */
    void packBytes(int[] codes, int count, byte[] block, int from) {
        int mask = (1 << bits) - 1;
        for (int p = 0; p < count; from += stride) {
            for (int shift = 0; shift < 8; shift += bits, p += stride) {
                for (int l = 0; l < stride; l++) {
                    block[from + l] |= (byte) ((codes[p + l] >> up & mask) << shift);
                }
            }
        }
    }
}
