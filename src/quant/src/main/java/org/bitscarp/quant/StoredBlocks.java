package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;

/**
 * Values stored in blocks of a {@link BlockFormat} whose blocks all have the same length, as in GGUF files.
 *
 * @param format what decodes a block
 * @param pieceLength weights of a block
 */
public record StoredBlocks(BlockFormat format, int pieceLength) implements StoredFormat {
    private static final ValueLayout.OfFloat NATIVE_FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    @Override
    public String name() {
        return format.name().toUpperCase(Locale.ROOT);
    }

    @Override
    public int pieceBytes() {
        return format.blockBytes(pieceLength);
    }

    @Override
    public void decode(MemorySegment source, long sourceOffset, long count, MemorySegment target, long targetOffset) {
        if (count < 0 || count > Long.MAX_VALUE / 8) {
            throw new IndexOutOfBoundsException("cannot decode " + count + " values");
        }
        int bytes = pieceBytes();
        MemorySegment from = source.asSlice(sourceOffset, byteSize(count));
        MemorySegment to = target.asSlice(targetOffset, count * 4);
        float[] block = new float[pieceLength];
        for (long i = 0; i < count / pieceLength; i++) {
            format.decode(from, i * bytes, pieceLength, block, 0);
            MemorySegment.copy(block, 0, to, NATIVE_FLOAT, 4 * i * pieceLength, pieceLength);
        }
    }
}
