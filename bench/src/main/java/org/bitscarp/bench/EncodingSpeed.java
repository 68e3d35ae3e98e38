package org.bitscarp.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.bitscarp.eval.engine.Lanes;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;

/**
 * Millions of weights a second that rounding puts into the packed bytes of a level. Floor: every weight is read once, at 4
 * bytes, and its bits written; what is above that is arithmetic, a few operations a weight for plain scales and some
 * hundreds for the searches of k-quants.
 *
 * <pre>java … org.bitscarp.bench.EncodingSpeed THREADS LEVEL…</pre>
 */
public final class EncodingSpeed {
    private static final int ROWS = 2048;
    private static final int COLUMNS = 4096;

    private static final double WARM_UP_SECONDS = 2;
    private static final int REPETITIONS = 5;

    private EncodingSpeed() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 2) {
            System.err.println("usage: EncodingSpeed THREADS LEVEL...");
            System.exit(2);
        }
        int threads = Integer.parseInt(arguments[0]);
        try (Arena arena = Arena.ofShared();
                Lanes lanes = new Lanes(threads)) {
            DenseMatrix weights = new DenseMatrix(arena.allocate(4L * ROWS * COLUMNS, 64), ROWS, COLUMNS);
            SplittableRandom random = new SplittableRandom(1);
            for (long i = 0; i < weights.size(); i++) {
                weights.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (0.02 * random.nextGaussian()));
            }
            for (int i = 1; i < arguments.length; i++) {
                measure(Level.parse(arguments[i]), weights, lanes);
            }
        }
    }

    private static void measure(Level level, DenseMatrix weights, Lanes lanes) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            PackedMatrix packed = PackedMatrix.allocate(level.format(), ROWS, COLUMNS, arena);
            for (long started = System.nanoTime(); System.nanoTime() - started < WARM_UP_SECONDS * 1e9; ) {
                encode(level, weights, packed, lanes);
            }
            double best = Double.POSITIVE_INFINITY;
            for (int i = 0; i < REPETITIONS; i++) {
                long started = System.nanoTime();
                encode(level, weights, packed, lanes);
                best = Math.min(best, (System.nanoTime() - started) / 1e9);
            }
            double bytes = 4.0 * weights.size() + packed.byteSize();
            System.out.printf(
                    "%-8s %d threads: %7.1f Mweights/s, %5.2f GB/s%n",
                    level, lanes.count(), weights.size() / best / 1e6, bytes / best / 1e9);
        }
    }

    private static void encode(Level level, DenseMatrix weights, PackedMatrix packed, Lanes lanes) throws IOException {
        Solver.RowSolver solver = level.solver().prepare(weights, null, packed);
        int step = Solver.rowsTogether(COLUMNS);
        lanes.forEach(ROWS / step, (lane, i) -> solver.solve(i * step, (i + 1) * step, new SolveStats()));
    }
}
