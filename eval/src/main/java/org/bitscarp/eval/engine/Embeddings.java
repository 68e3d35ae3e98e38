package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
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
    private final DecoderSpec spec;
    private final int[] tokens;
    private final DenseMatrix rows;

    /** Reads the rows of all tokens that occur, in fp32, in memory of {@code arena}. */
    Embeddings(WeightReader reader, DecoderSpec spec, List<int[]> texts, Arena arena) throws IOException {
        this.spec = spec;
        tokens = texts.stream().flatMapToInt(Arrays::stream).distinct().sorted().toArray();
        int hidden = spec.hidden();
        rows = new DenseMatrix(arena.allocate(4L * tokens.length * hidden, 64), tokens.length, hidden);
        for (int i = 0; i < tokens.length; i++) {
            reader.row(TensorRole.EMBEDDING, tokens[i], rows.data(), 4L * i * hidden);
        }
    }

    /** The rows as a format stores them; null stands for fp32 as they are. What happens is added to {@code stats}. */
    DenseMatrix in(BlockFormat format, Arena arena, SolveStats stats) {
        if (format == null) {
            return rows;
        }
        PackedMatrix packed = PackedMatrix.allocate(format, rows.rows(), rows.columns(), arena);
        Solvers.RTN.prepare(rows, null, packed).solve(0, rows.rows(), stats);
        DenseMatrix decoded = new DenseMatrix(arena.allocate(4 * rows.size(), 64), rows.rows(), rows.columns());
        packed.decodeRows(0, rows.rows(), decoded);
        return decoded;
    }

    /** The rows as a level stores them, which its solver may have chosen. */
    DenseMatrix in(TableInputs.Table table, MatrixQuantizer quantizer, Arena arena, SolveStats stats)
            throws IOException {
        if (table.inputs() == null) {
            return in(table.format(), arena, stats);
        }
        DenseMatrix decoded = new DenseMatrix(arena.allocate(4 * rows.size(), 64), rows.rows(), rows.columns());
        quantizer
                .run(
                        table.solver(),
                        List.of(table.job(rows, null)),
                        (job, packed) -> packed.decodeRows(0, rows.rows(), decoded))
                .forEach(outcome -> stats.add(outcome.stats()));
        return decoded;
    }

    /**
     * Writes the input of the first layer, one row for each of {@code ids}: embeddings from rows that {@link #in} gave,
     * scaled, plus positions.
     *
     * @param positions one row for each place of a window, or null where positions are not learned
     * @param length tokens in a window
     */
    private void gather(DenseMatrix from, int[] ids, DenseMatrix positions, int length, MemorySegment target) {
        if (spec.embeddingScale() == 1 && positions == null) {
            gather(from, ids, target);
            return;
        }
        float[] sum = new float[rows.columns()];
        float[] position = new float[rows.columns()];
        for (int i = 0; i < ids.length; i++) {
            long at = (long) i * sum.length;
            from.row(row(ids[i]), sum);
            if (positions != null) {
                positions.row(i % length, position);
            }
            for (int c = 0; c < sum.length; c++) {
                sum[c] = sum[c] * spec.embeddingScale() + position[c];
            }
            MemorySegment.copy(sum, 0, target, JAVA_FLOAT, 4 * at, sum.length);
        }
    }

    /** Writes rows that {@link #in} gave, one for each of {@code ids}. */
    void gather(DenseMatrix from, int[] ids, MemorySegment target) {
        long bytes = 4L * rows.columns();
        for (int i = 0; i < ids.length; i++) {
            MemorySegment.copy(from.data(), row(ids[i]) * bytes, target, i * bytes, bytes);
        }
    }

    /** Where a token's row is among those that were read. */
    private int row(int token) {
        return Arrays.binarySearch(tokens, token);
    }

    /** Learned positions, which no level quantizes; null for a model without. */
    static DenseMatrix positions(WeightReader reader, Checkpoint checkpoint, Arena arena) throws IOException {
        return checkpoint.weight(TensorRole.POSITION_EMBEDDING, 0).isEmpty()
                ? null
                : reader.whole(TensorRole.POSITION_EMBEDDING, arena);
    }

    /** Writes the input of the first layer for all windows, from rows that {@link #in} gave. */
    void write(DenseMatrix from, DenseMatrix positions, WindowPlan plan, HiddenStates states, int level, Lanes lanes)
            throws IOException {
        lanes.forEach(plan.units().size(), (lane, u) -> {
            WindowPlan.Unit unit = plan.units().get(u);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment target = arena.allocate(4L * unit.rows() * spec.hidden(), 64);
                gather(from, unit.tokens(), positions, unit.length(), target);
                states.write(level, unit.firstRow(), unit.rows(), target);
            }
        });
    }
}
