package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;

/**
 * How the values of a tensor lie in a file: one after another as a {@link NumberFormat}, or in blocks of a fixed length
 * ({@link StoredBlocks}). Either way a tensor is a run of equal pieces without gaps, so any range that begins and ends
 * between pieces can be decoded by itself.
 */
public sealed interface StoredFormat permits NumberFormat, StoredBlocks {
    /** The name that reports and listings print, e.g. {@code FP16}, {@code Q4_K}. */
    String name();

    /** Values in one piece: 1 for plain numbers. Rows of a tensor are a multiple of it. */
    int pieceLength();

    /** Bytes of one piece. */
    int pieceBytes();

    /**
     * Bytes of {@code count} values.
     *
     * @throws ArithmeticException where the count is no whole number of pieces or the size passes 2^63 − 1
     */
    default long byteSize(long count) {
        if (count % pieceLength() != 0) {
            throw new ArithmeticException(
                    count + " values are not a whole number of " + name() + " blocks of " + pieceLength());
        }
        return Math.multiplyExact(count / pieceLength(), (long) pieceBytes());
    }

    /** Stored bits of a value, what its share of scales and zero points adds included. */
    default double bitsPerValue() {
        return 8.0 * pieceBytes() / pieceLength();
    }

    /**
     * Decodes {@code count} consecutive values, a whole number of pieces, to fp32 in native byte order. The ranges must
     * not overlap.
     *
     * @param sourceOffset byte offset of the first piece, any alignment
     * @param targetOffset byte offset of the first float, any alignment
     * @throws IndexOutOfBoundsException when either range does not lie within its segment
     */
    void decode(MemorySegment source, long sourceOffset, long count, MemorySegment target, long targetOffset);
}
