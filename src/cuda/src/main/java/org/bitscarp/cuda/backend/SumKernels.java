package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import org.bitscarp.cuda.driver.Grid;

/** Sums that come back to the host, in double and in an order that depends on the sizes alone. */
final class SumKernels {
    /** Elements that a block of the first stage adds up at least, and blocks of it at most. */
    private static final int ELEMENTS = 4096;

    private static final int BLOCKS = 1024;
    /** Columns that a block of {@code column_squares} adds up. */
    private static final int COLUMNS = 32;

    private final Launcher launcher;

    SumKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    /** @param y null for Σ x² */
    double squaredDistance(Lane lane, DeviceTensor x, DeviceTensor y) {
        int blocks = (int) Math.min(BLOCKS, (x.size() + ELEMENTS - 1) / ELEMENTS);
        long partial = lane.scratch(8L * (blocks + 1));
        long sum = partial + 8L * blocks;
        Call first = launcher.call(lane, "squared_distance", "squared_distance").reads(x);
        (y == null ? first.address(0) : first.reads(y))
                .long64(x.size())
                .address(partial)
                .launch(Grid.of(blocks), Launcher.rowThreads((int) Math.min(x.size(), Launcher.THREADS)));
        launcher.call(lane, "squared_distance", "sum_doubles")
                .address(partial)
                .integer(blocks)
                .address(sum)
                .launch(Grid.of(1), Launcher.rowThreads(blocks));
        double[] result = new double[1];
        lane.download(sum, MemorySegment.ofArray(result));
        return result[0];
    }

    void addColumnSquares(Lane lane, DeviceTensor x, double[] sums) {
        long squares = lane.scratch(8L * sums.length);
        launcher.call(lane, "column_squares", "column_squares")
                .reads(x)
                .integer(x.rows())
                .integer(x.columns())
                .address(squares)
                .launch(Grid.covering(x.columns(), COLUMNS), Launcher.THREADS);
        double[] added = new double[sums.length];
        lane.download(squares, MemorySegment.ofArray(added));
        for (int i = 0; i < sums.length; i++) {
            sums[i] += added[i];
        }
    }
}
