package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;

/**
 * The embedding rows that a text needs, at each level's embedding format. Only rows of tokens that occur are read, and a
 * table that is also the output projection is read as a whole when its turn comes.
 */
final class Embeddings {
    private final int[] tokens;
    private final DenseMatrix rows;

    /** Reads the rows of all tokens that occur, in fp32, in memory of {@code arena}. */
    Embeddings(WeightReader reader, TensorInfo table, List<int[]> texts, Arena arena) throws IOException {
        tokens = texts.stream().flatMapToInt(Arrays::stream).distinct().sorted().toArray();
        int hidden = Math.toIntExact(table.shape().getLast());
        rows = new DenseMatrix(arena.allocate(4L * tokens.length * hidden, 64), tokens.length, hidden);
        for (int i = 0; i < tokens.length; i++) {
            reader.row(table, tokens[i], rows.data(), 4L * i * hidden);
        }
    }

    /** The rows as a format stores them; null stands for fp32 as they are. */
    DenseMatrix in(BlockFormat format, Arena arena) {
        if (format == null) {
            return rows;
        }
        PackedMatrix packed = PackedMatrix.allocate(format, rows.rows(), rows.columns(), arena);
        Solvers.RTN.prepare(rows, null, packed).solve(0, rows.rows(), new SolveStats());
        DenseMatrix decoded = new DenseMatrix(arena.allocate(4 * rows.size(), 64), rows.rows(), rows.columns());
        packed.decodeRows(0, rows.rows(), decoded);
        return decoded;
    }

    /** Writes the embeddings of {@code ids}, one row each, from rows that {@link #in} gave. */
    void gather(DenseMatrix from, int[] ids, MemorySegment target) {
        long rowBytes = 4L * rows.columns();
        IntStream.range(0, ids.length).forEach(i -> {
            int row = Arrays.binarySearch(tokens, ids[i]);
            MemorySegment.copy(from.data(), row * rowBytes, target, i * rowBytes, rowBytes);
        });
    }
}
