package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.StoredBlocks;
import org.bitscarp.quant.StoredFormat;

/** Rounds to nearest, and keeps what the packed rows decode to. */
final class RoundingEncoder implements WeightEncoder {
    /** Decoded values by name of tensor, positions in packed order. */
    final Map<String, float[]> decoded = new LinkedHashMap<>();

    @Override
    public void encode(ExportTensor tensor, StoredFormat format, long firstRow, long rows, MemorySegment target)
            throws IOException {
        int columns = Math.toIntExact(tensor.weight().columns());
        int length = format.pieceLength();
        BlockFormat blocks = ((StoredBlocks) format).format();
        float[] all = decoded.computeIfAbsent(
                tensor.name(), n -> new float[Math.toIntExact(tensor.weight().size())]);
        float[] w = new float[columns];
        int[] codes = new int[length];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate(4L * columns, 4);
            long at = 0;
            for (long r = firstRow; r < firstRow + rows; r++) {
                tensor.weight().read(r, 1, row, 0);
                MemorySegment.copy(row, ValueLayout.JAVA_FLOAT, 0, w, 0, columns);
                for (int from = 0; from < columns; from += length, at += format.pieceBytes()) {
                    Grid grid = blocks.fit(w, from, length);
                    for (int i = 0; i < length; i++) {
                        codes[i] = grid.nearest(i, w[from + i]);
                    }
                    blocks.encode(grid, codes, length, target, at);
                    blocks.decode(target, at, length, all, Math.toIntExact(r * columns + from));
                }
            }
        }
    }
}
