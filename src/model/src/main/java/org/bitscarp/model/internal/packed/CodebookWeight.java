package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * 4-bit codes of a table, two in a byte and the first in the upper half, in blocks that run on from row to row: value =
 * table[code] × scale of the block, in fp32. Bitsandbytes then rounds to the model's type, which is not done here.
 */
final class CodebookWeight extends PackedWeight {
    private static final long CHUNK = 1 << 18;

    /** Scales of the blocks. */
    interface BlockScales {
        float[] of(long firstBlock, int blocks) throws IOException;
    }

    private final Part codes;
    private final float[] table;
    private final int blockSize;
    private final BlockScales scales;

    /** @param table 16 values */
    CodebookWeight(
            String name,
            long out,
            int in,
            String formatName,
            long byteSize,
            Part codes,
            float[] table,
            int blockSize,
            BlockScales scales) {
        super(name, out, in, formatName, byteSize);
        this.codes = codes;
        this.table = table;
        this.blockSize = blockSize;
        this.scales = scales;
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        Objects.checkFromIndexSize(firstRow, rows, rows());
        long first = firstRow * in();
        for (long done = 0; done < rows * in(); done += CHUNK) {
            int n = (int) Math.min(CHUNK, rows * in() - done);
            float[] values = values(first + done, n);
            MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, offset + 4 * done, n);
        }
    }

    private float[] values(long first, int count) throws IOException {
        long firstBlock = first / blockSize;
        int blocks = (int) ((first + count - 1) / blockSize - firstBlock) + 1;
        float[] scale = scales.of(firstBlock, blocks);
        int pairs = (int) ((first + count - 1) / 2 - first / 2) + 1;
        byte[] bytes = new byte[pairs];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment.copy(codes.map(first / 2, pairs, arena), ValueLayout.JAVA_BYTE, 0, bytes, 0, pairs);
        }
        float[] values = new float[count];
        int odd = (int) (first & 1);
        for (int block = 0, at = 0; block < blocks; block++) {
            int end = (int) Math.min(count, (firstBlock + block + 1) * blockSize - first);
            for (; at < end; at++) {
                int position = at + odd;
                int code = bytes[position >> 1] >> ((position & 1) == 0 ? 4 : 0) & 0xF;
                values[at] = table[code] * scale[block];
            }
        }
        return values;
    }
}
