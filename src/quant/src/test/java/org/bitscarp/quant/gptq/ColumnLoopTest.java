package org.bitscarp.quant.gptq;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.Level;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lazy updates against each error taken to all columns behind it at once: the same codes and values, bit by bit. */
class ColumnLoopTest {
    private static final int ROWS = 5;

    /** Blocks that end inside steps, batches and groups of the factor's columns, or go on behind them; short last blocks. */
    @ParameterizedTest
    @CsvSource({"int3:g10,150", "int4:g48,301", "int2:row,330", "int4:g200,411", "int3:g64,256", "q4_k,512", "nf4,192"})
    void lazyUpdatesAreUpdates(String name, int columns) {
        BlockFormat format = Level.parse(name).format();
        Problem problem = Problem.of(ROWS, columns, 23);
        InverseFactor factor = problem.inputs().hessian().factor(0.01);
        ColumnPlan plan = ColumnPlan.leftToRight(columns, format.blockLength(columns));
        check(lazily(problem, format, factor, plan, false), atOnce(problem, format, factor, plan, false));
    }

    @ParameterizedTest
    @CsvSource({"int4:g48,301", "int3:g64,256"})
    void theSameInAnotherOrder(String name, int columns) {
        BlockFormat format = Level.parse(name).format();
        Problem problem = Problem.of(ROWS, columns, 29);
        Hessian.Ordered ordered = problem.inputs().hessian().byFallingDiagonal();
        InverseFactor factor = ordered.hessian().factor(0.01);
        ColumnPlan plan = ColumnPlan.in(ordered.order());
        check(lazily(problem, format, factor, plan, true), atOnce(problem, format, factor, plan, true));
    }

    private static void check(RowTile lazily, RowTile atOnce) {
        for (int r = 0; r < ROWS; r++) {
            assertArrayEquals(atOnce.codes[r], lazily.codes[r], "codes of row " + r);
            assertArrayEquals(bits(atOnce.values[r]), bits(lazily.values[r]), "values of row " + r);
        }
    }

    private static RowTile tile(Problem problem, BlockFormat format, boolean fitted) {
        RowTile tile = new RowTile(problem.weights(), 0, ROWS, format, null);
        for (int r = 0; fitted && r < ROWS; r++) {
            for (int b = 0; b < tile.grids[r].length; b++) {
                tile.grids[r][b] = format.fit(tile.weights[r], b * tile.blockLength, tile.length(b));
            }
        }
        return tile;
    }

    private static RowTile lazily(
            Problem problem, BlockFormat format, InverseFactor factor, ColumnPlan plan, boolean fitted) {
        RowTile tile = tile(problem, format, fitted);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment work = arena.allocate(ColumnLoop.bytes(tile.columns), 64);
            MemorySegment errors = arena.allocate(ColumnLoop.bytes(tile.columns), 64);
            // What was there before is of no consequence.
            work.fill((byte) 0x7f);
            errors.fill((byte) 0x7f);
            new ColumnLoop((w, from, length, column) -> format.fit(w, from, length), factor, plan, fitted)
                    .run(tile, work, errors);
        }
        return tile;
    }

    private static RowTile atOnce(
            Problem problem, BlockFormat format, InverseFactor factor, ColumnPlan plan, boolean fitted) {
        RowTile tile = tile(problem, format, fitted);
        int[] order = plan.order();
        int n = order.length;
        for (int r = 0; r < ROWS; r++) {
            float[] w = new float[n];
            for (int j = 0; j < n; j++) {
                w[j] = tile.weights[r][order[j]];
            }
            for (int j = 0; j < n; j++) {
                int block = order[j] / tile.blockLength;
                int position = order[j] % tile.blockLength;
                if (!fitted && position == 0) {
                    tile.grids[r][block] = format.fit(w, j, tile.length(block));
                }
                Grid grid = tile.grids[r][block];
                int code = grid.nearest(position, w[j]);
                tile.codes[r][order[j]] = code;
                float error =
                        (w[j] - grid.value(position, code)) / factor.upper().get(j, j);
                for (int next = j + 1; next < n; next++) {
                    w[next] = Math.fma(-error, factor.upper().get(j, next), w[next]);
                }
            }
        }
        tile.decode();
        return tile;
    }

    private static int[] bits(float[] values) {
        return IntStream.range(0, values.length)
                .map(i -> Float.floatToRawIntBits(values[i]))
                .toArray();
    }
}
