package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Values stored in blocks of a {@link BlockFormat} whose blocks all have the same length, as in GGUF files.
 *
 * @param name the name of the type in the files that hold it, e.g. {@code Q4_K}
 * @param format what decodes a block
 * @param pieceLength weights of a block
 * @param pieceBytes bytes of a block
 */
public record StoredBlocks(String name, BlockFormat format, int pieceLength, int pieceBytes) implements StoredFormat {
    private static final ValueLayout.OfFloat NATIVE_FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    public StoredBlocks {
        if (pieceLength < 1 || format.blockBytes(pieceLength) != pieceBytes) {
            throw new IllegalArgumentException(name + ": blocks of " + pieceLength + " weights in " + pieceBytes
                    + " bytes, but " + format.name() + " stores them in " + format.blockBytes(pieceLength));
        }
    }

    @Override
    public void decode(MemorySegment source, long sourceOffset, long count, MemorySegment target, long targetOffset) {
        if (count < 0 || count > Long.MAX_VALUE / 8) {
            throw new IndexOutOfBoundsException("cannot decode " + count + " values");
        }
        MemorySegment from = source.asSlice(sourceOffset, byteSize(count));
        MemorySegment to = target.asSlice(targetOffset, count * 4);
        float[] block = new float[pieceLength];
        for (long i = 0; i < count / pieceLength; i++) {
            format.decode(from, i * pieceBytes, pieceLength, block, 0);
            MemorySegment.copy(block, 0, to, NATIVE_FLOAT, 4 * i * pieceLength, pieceLength);
        }
    }
}
