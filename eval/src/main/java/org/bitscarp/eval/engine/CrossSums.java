package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.gptq.CrossMoments;

/**
 * Sums of x̂·(x − x̂)ᵀ over calibration windows, of the inputs x̂ of a layer behind quantized maps and those of full precision.
 * On the host, whatever the backend: the products have no kernel. Units add in order, like those of {@link HessianSums}.
 */
final class CrossSums implements AutoCloseable {
    private record Input(TensorRole role, int expert) {}

    private static final class Sum {
        private final DenseMatrix products;
        private final PanelTurns turns;
        private double lacking;
        private long rows;

        Sum(DenseMatrix products) {
            this.products = products;
            turns = PanelTurns.square(products.rows());
        }
    }

    private final Backend backend;
    private final FullPrecisionInputs fullPrecision;
    private final Arena arena = Arena.ofShared();
    private final Map<Input, Sum> sums = new HashMap<>();
    private final Turns.Finished finished = new Turns.Finished();

    /** @param fullPrecision inputs of the same layer and windows */
    CrossSums(Backend backend, FullPrecisionInputs fullPrecision) {
        this.backend = backend;
        this.fullPrecision = fullPrecision;
    }

    /**
     * Adds what a unit sends through a map; waits for units before it.
     *
     * @param rows of the unit that an expert's inputs are of; of no meaning for others
     */
    void add(int unit, TensorRole role, int expert, int[] rows, Tensor input) {
        int tokens = input.rows();
        int n = input.columns();
        Sum sum = sum(new Input(role, expert), n);
        try (Arena own = Arena.ofConfined()) {
            MemorySegment inputs = own.allocate(4L * tokens * n, 64);
            MemorySegment surplus = own.allocate(4L * tokens * n, 64);
            backend.download(input, inputs);
            counterparts(unit, role, expert, rows, inputs, surplus);
            double sumOfSquares = 0;
            for (long i = 0; i < (long) tokens * n; i++) {
                float difference = inputs.getAtIndex(JAVA_FLOAT, i) - surplus.getAtIndex(JAVA_FLOAT, i);
                surplus.setAtIndex(JAVA_FLOAT, i, difference);
                sumOfSquares += (double) difference * difference;
            }
            double squares = sumOfSquares;
            sum.turns.add(unit, finished, (first, count) -> {
                CrossMoments.add(inputs, surplus, tokens, n, first, count, sum.products.data());
                if (first == 0) {
                    sum.lacking += squares;
                    sum.rows += tokens;
                }
            });
        }
    }

    /** What cannot be read ends in an {@link UncheckedIOException}, since inputs are seen in the middle of a layer. */
    private void counterparts(
            int unit, TensorRole role, int expert, int[] rows, MemorySegment inputs, MemorySegment target) {
        try {
            fullPrecision.read(unit, role, expert, rows, inputs, target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private synchronized Sum sum(Input input, int columns) {
        return sums.computeIfAbsent(
                input, key -> new Sum(new DenseMatrix(arena.allocate(4L * columns * columns, 64), columns, columns)));
    }

    /** A unit has gone through the layer, or failed: nobody waits for it any more. */
    void finish(int unit) {
        finished.add(unit);
    }

    /** Turns the sums into means, by role and expert, which live until this is closed. Nothing may be added afterwards. */
    synchronized Map<TensorRole, Map<Integer, CrossMoments>> means() {
        Map<TensorRole, Map<Integer, CrossMoments>> means = new HashMap<>();
        sums.forEach((input, sum) -> {
            float scale = (float) (1.0 / sum.rows);
            MemorySegment values = sum.products.data();
            for (long i = 0; i < sum.products.size(); i++) {
                values.setAtIndex(JAVA_FLOAT, i, values.getAtIndex(JAVA_FLOAT, i) * scale);
            }
            means.computeIfAbsent(input.role, role -> new HashMap<>())
                    .put(input.expert, new CrossMoments(sum.products, sum.lacking / sum.rows, sum.rows, arena));
        });
        return means;
    }

    @Override
    public void close() {
        arena.close();
    }
}
