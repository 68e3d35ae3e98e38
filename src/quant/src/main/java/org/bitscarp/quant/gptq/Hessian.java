package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.SegmentAllocator;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.bitscarp.quant.DenseMatrix;

/**
 * Second moments of the inputs of a linear map, H = mean of x·xᵀ. The layer's squared output error is Σ over rows of
 * (w − q)·H·(w − q)ᵀ; GPTQ's 2·x·xᵀ differs by a factor that cancels. Factors are computed when first asked for and kept,
 * since several maps and levels share them. Safe for use by several threads.
 */
public final class Hessian {
    private final DenseMatrix values;
    private final SegmentAllocator memory;
    private final Map<Double, InverseFactor> factors = new HashMap<>();
    private Ordered ordered;

    /**
     * @param values [n, n], symmetric, finite; stays as it is
     * @param memory where factors go, as long as this is used
     */
    public Hessian(DenseMatrix values, SegmentAllocator memory) {
        if (values.rows() != values.columns()) {
            throw new IllegalArgumentException(
                    "a Hessian is square, found " + values.rows() + " × " + values.columns());
        }
        this.values = values;
        this.memory = memory;
    }

    /** Number of input channels. */
    public int size() {
        return values.rows();
    }

    DenseMatrix values() {
        return values;
    }

    float diagonal(int i) {
        return values.data().getAtIndex(JAVA_FLOAT, (long) i * size() + i);
    }

    /** Mean of the diagonal, which damping is relative to. */
    double meanDiagonal() {
        double sum = 0;
        for (int i = 0; i < size(); i++) {
            sum += diagonal(i);
        }
        return size() == 0 ? 0 : sum / size();
    }

    /**
     * The factor of the damped inverse.
     *
     * @param damping share of the mean diagonal that is added to it
     */
    InverseFactor factor(double damping) {
        synchronized (factors) {
            return factors.computeIfAbsent(damping, d -> InverseFactor.of(this, d, memory));
        }
    }

    /** @param order channel that stands at each place of {@code hessian} */
    record Ordered(int[] order, Hessian hessian) {}

    /** The same with the channels of the greatest mean square first; equal ones stay in their order. */
    Ordered byFallingDiagonal() {
        synchronized (factors) {
            if (ordered == null) {
                int n = size();
                int[] order = IntStream.range(0, n)
                        .boxed()
                        .sorted(Comparator.comparingDouble((Integer i) -> -diagonal(i)))
                        .mapToInt(Integer::intValue)
                        .toArray();
                DenseMatrix moved = new DenseMatrix(memory.allocate(4L * n * n, 64), n, n);
                for (int i = 0; i < n; i++) {
                    for (int j = 0; j < n; j++) {
                        float value = values.data().getAtIndex(JAVA_FLOAT, (long) order[i] * n + order[j]);
                        moved.data().setAtIndex(JAVA_FLOAT, (long) i * n + j, value);
                    }
                }
                ordered = new Ordered(order, new Hessian(moved, memory));
            }
            return ordered;
        }
    }
}
