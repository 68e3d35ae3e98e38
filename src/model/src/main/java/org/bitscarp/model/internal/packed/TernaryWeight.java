package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Four values of −1, 0 or 1 in a byte: the byte in row r and column c of a U8 tensor {@code [out/4, in]} holds, from the
 * lowest bits up, the weights plus 1 of rows r, r + out/4, r + 2·out/4 and r + 3·out/4 ({@code pack_weights} of
 * transformers' BitNet integration).
 */
final class TernaryWeight extends PackedWeight {
    private final Part codes;
    private final float[] values;

    /** @param values of the four codes; 3 stands in no proper file and is read as the library reads it, as 2 */
    TernaryWeight(String name, long out, int in, String formatName, long byteSize, Part codes, float[] values) {
        super(name, out, in, formatName, byteSize);
        this.codes = codes;
        this.values = values;
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        Objects.checkFromIndexSize(firstRow, rows, rows());
        long quarter = rows() / 4;
        byte[] packed = new byte[in()];
        float[] row = new float[in()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = codes.map(arena);
            for (long r = 0; r < rows; r++) {
                long stored = (firstRow + r) % quarter;
                int shift = 2 * (int) ((firstRow + r) / quarter);
                MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, stored * in(), packed, 0, in());
                for (int i = 0; i < row.length; i++) {
                    row[i] = values[packed[i] >> shift & 3];
                }
                MemorySegment.copy(row, 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, offset + 4 * r * in(), in());
            }
        }
    }
}
