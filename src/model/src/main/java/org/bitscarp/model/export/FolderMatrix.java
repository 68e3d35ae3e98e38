package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;

/** A matrix of a folder: stored row by row, or transposed as {@code [in, out]}. */
final class FolderMatrix extends FolderTensor {
    /** Rows of a weight that are neighbours in the tensor, too. */
    private record Run(long storedRow, Weight weight, long firstRow, long rows) {}

    private final long rows;
    private final long columns;
    private final boolean transposed;

    FolderMatrix(String name, long rows, long columns, boolean transposed) {
        super(name);
        this.rows = rows;
        this.columns = columns;
        this.transposed = transposed;
    }

    @Override
    long rows() {
        return rows;
    }

    @Override
    List<Long> shape() {
        return transposed ? List.of(columns, rows) : List.of(rows, columns);
    }

    /** All rows, from the tensor's first to its last. */
    private List<Run> runs() {
        List<Run> runs = new ArrayList<>();
        for (Part part : parts()) {
            for (long row = 0; row < part.rows(); ) {
                long stored = part.order().stored(row);
                long n = 1;
                while (row + n < part.rows() && part.order().stored(row + n) == stored + n) {
                    n++;
                }
                runs.add(new Run(stored, part.weight(), part.firstRow() + row, n));
                row += n;
            }
        }
        runs.sort(Comparator.comparingLong(Run::storedRow));
        return runs;
    }

    @Override
    public void write(SafetensorsWriter writer) throws IOException {
        if (transposed) {
            // Usually one tile; each reads all rows again.
            long step = Math.max(1, 4 * CHUNK_WEIGHTS / rows);
            for (long column = 0; column < columns; column += step) {
                writeColumns(writer, column, Math.min(step, columns - column));
            }
            return;
        }
        for (Run run : runs()) {
            pieces(run, (row, bytes, count) -> writer.write(name(), bytes));
        }
    }

    private interface Piece {
        /** @param row of the tensor */
        void take(long row, MemorySegment bytes, long count) throws IOException;
    }

    private void pieces(Run run, Piece piece) throws IOException {
        long step = Math.max(1, CHUNK_WEIGHTS / columns);
        for (long row = 0; row < run.rows; row += step) {
            long count = Math.min(step, run.rows - row);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment bytes = StoredRows.bytes(run.weight, run.firstRow + row, count, blocks(type()), arena);
                piece.take(run.storedRow + row, bytes, count);
            }
        }
    }

    private void writeColumns(SafetensorsWriter writer, long first, long count) throws IOException {
        BlockFormat format = blocks(type());
        long size = format.rowBytes(1);
        try (Arena arena = Arena.ofShared()) {
            MemorySegment tile = arena.allocate(count * rows * size);
            for (Run run : runs()) {
                pieces(run, (row, bytes, n) -> {
                    for (long r = 0; r < n; r++) {
                        for (long c = 0; c < count; c++) {
                            long from = (r * columns + first + c) * size;
                            MemorySegment.copy(bytes, from, tile, (c * rows + row + r) * size, size);
                        }
                    }
                });
            }
            writer.write(name(), tile);
        }
    }
}
