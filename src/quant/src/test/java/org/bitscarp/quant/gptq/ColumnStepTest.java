package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.Level;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A column rounded for all rows at once against weight after weight: the same codes and values, bit by bit. */
class ColumnStepTest {
    private static final int ROWS = 21;
    private static final int COLUMNS = 256;

    /** A grid that does not say that it is even. */
    private record OneByOne(Grid grid) implements Grid {
        @Override
        public int nearest(int position, float weight) {
            return grid.nearest(position, weight);
        }

        @Override
        public float value(int position, int code) {
            return grid.value(position, code);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"int4", "int2:row", "int3:g48:sym", "int8:g64", "q2_k", "q3_k", "q4_k", "q6_k", "q4_1", "q5_0"})
    void wholeColumnsAreTheirWeights(String name) {
        BlockFormat format = Level.parse(name).format();
        Problem problem = Problem.of(ROWS, COLUMNS, 11);
        MemorySegment weights = problem.weights().data();
        // A row without any weight, blocks of zeros, and a weight that its block's other weights vanish beside.
        weights.asSlice(4L * 3 * COLUMNS, 4L * COLUMNS).fill((byte) 0);
        weights.asSlice(4L * 5 * COLUMNS, 4L * 64).fill((byte) 0);
        weights.setAtIndex(JAVA_FLOAT, 7L * COLUMNS + 100, 1e6f);
        for (boolean search : new boolean[] {false, true}) {
            ColumnLoop.GridFit fit = (w, from, length, column) -> search
                    ? format.search(w, from, length, problem.inputs().meanSquares(), column)
                    : format.fit(w, from, length);
            RowTile one =
                    run(problem, format, (w, from, length, column) -> new OneByOne(fit.fit(w, from, length, column)));
            RowTile all = run(problem, format, fit);
            for (int r = 0; r < ROWS; r++) {
                assertArrayEquals(one.codes[r], all.codes[r], "row " + r);
                assertArrayEquals(bits(one.values[r]), bits(all.values[r]), "row " + r);
            }
        }
    }

    private static RowTile run(Problem problem, BlockFormat format, ColumnLoop.GridFit fit) {
        RowTile tile = new RowTile(problem.weights(), 0, ROWS, format, null);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment work = arena.allocate(ColumnLoop.bytes(COLUMNS), 64);
            MemorySegment errors = arena.allocate(ColumnLoop.bytes(COLUMNS), 64);
            InverseFactor factor = problem.inputs().hessian().factor(0.01);
            ColumnPlan plan = ColumnPlan.leftToRight(COLUMNS, format.blockLength(COLUMNS));
            new ColumnLoop(fit, factor, plan, false).run(tile, work, errors);
        }
        return tile;
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }
}
