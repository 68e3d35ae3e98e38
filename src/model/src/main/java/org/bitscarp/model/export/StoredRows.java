package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;

/** Rows of a weight in the type that they have, or in one that holds the same values. */
final class StoredRows {
    private StoredRows() {}

    /** @param type the weight's own, or a type of plain numbers into which its values go */
    static MemorySegment bytes(Weight weight, long row, long rows, BlockFormat type, Arena arena) throws IOException {
        int columns = Math.toIntExact(weight.columns());
        boolean same = weight.format()
                .filter(stored -> stored.byteSize(columns) == type.rowBytes(columns))
                .isPresent();
        if (same) {
            MemorySegment bytes = arena.allocate(rows * type.rowBytes(columns));
            weight.copy(row, rows, bytes, 0);
            return bytes;
        }
        // 8-bit floats become 16-bit ones, which hold all of their values; transposed numbers are turned around.
        DenseMatrix values = new DenseMatrix(arena.allocate(4 * rows * columns, 64), Math.toIntExact(rows), columns);
        weight.read(row, rows, values.data(), 0);
        return rounded(values, type, arena);
    }

    /** Values in a type of plain numbers. */
    static MemorySegment rounded(DenseMatrix values, BlockFormat type, Arena arena) {
        PackedMatrix packed = PackedMatrix.allocate(type, values.rows(), values.columns(), arena);
        Solvers.RTN.prepare(values, null, packed).solve(0, values.rows(), new SolveStats());
        return packed.bytes();
    }
}
