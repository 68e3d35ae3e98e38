package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Workers;
import org.bitscarp.quant.transform.Basis;
import org.bitscarp.quant.transform.BasisChange;

/**
 * Second moments of the inputs of a linear map, H = mean of x·xᵀ. The layer's squared output error is Σ over rows of
 * (w − q)·H·(w − q)ᵀ; GPTQ's 2·x·xᵀ differs by a factor that cancels. Factors are computed when first asked for and kept,
 * since several maps and levels share them. Safe for use by several threads.
 */
public final class Hessian {
    /** Rows of a difference that are multiplied at a time. */
    private static final int TILE = 16;

    private final int size;
    private final Supplier<DenseMatrix> source;
    private final SegmentAllocator memory;
    private final Map<Double, InverseFactor> factors = new HashMap<>();
    private DenseMatrix values;
    private Ordered ordered;

    /**
     * @param values [n, n], symmetric, finite; stays as it is
     * @param memory where factors go, as long as this is used
     */
    public Hessian(DenseMatrix values, SegmentAllocator memory) {
        this(values.rows(), () -> values, memory);
        if (values.rows() != values.columns()) {
            throw new IllegalArgumentException(
                    "a Hessian is square, found " + values.rows() + " × " + values.columns());
        }
    }

    /**
     * One whose values are fetched when they are first asked for.
     *
     * @param size number of input channels
     * @param source as above
     */
    public Hessian(int size, Supplier<DenseMatrix> source, SegmentAllocator memory) {
        this.size = size;
        this.source = source;
        this.memory = memory;
    }

    /** Number of input channels. */
    public int size() {
        return size;
    }

    /** [n, n], symmetric; to be read only. */
    public synchronized DenseMatrix values() {
        if (values == null) {
            values = source.get();
        }
        return values;
    }

    float diagonal(int i) {
        return values().data().getAtIndex(JAVA_FLOAT, (long) i * size() + i);
    }

    /**
     * Squared error of a map's output, tr(Δ·H·Δᵀ) for Δ = W − Ŵ. Floor: 2·n² operations a row.
     *
     * @param difference Δ, any number of rows
     */
    public double outputError(DenseMatrix difference) {
        return Arrays.stream(outputErrors(difference, 0)).sum();
    }

    /**
     * The same row by row, where rows differ in some channels only.
     *
     * @param difference Δ in channels {@code [first, first + its columns)}
     */
    public double[] outputErrors(DenseMatrix difference, int first) {
        int n = difference.columns();
        double[] errors = new double[difference.rows()];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment product = arena.allocate(4L * TILE * n, 64);
            for (int row = 0; row < difference.rows(); row += TILE) {
                int rows = Math.min(TILE, difference.rows() - row);
                MemorySegment part = difference.slice(row, rows).data();
                product.fill((byte) 0);
                TileProduct.subtract(
                        rows,
                        n,
                        n,
                        TileProduct.View.of(part, n, 0, 0),
                        TileProduct.View.of(values().data(), size(), first, first),
                        TileProduct.View.of(product, n, 0, 0));
                for (int i = 0; i < rows * n; i++) {
                    errors[row + i / n] -= (double) part.getAtIndex(JAVA_FLOAT, i) * product.getAtIndex(JAVA_FLOAT, i);
                }
            }
        }
        return errors;
    }

    /** Second moments of the same inputs in another basis, T·H·Tᵀ; its factors go into the same memory. */
    public Hessian in(Basis basis, SegmentAllocator memory) {
        int n = size();
        DenseMatrix moved = new DenseMatrix(memory.allocate(4L * n * n, 64), n, n);
        BasisChange.moments(basis, values(), moved);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                // Rounded differently on both sides; a Hessian is symmetric to the last bit.
                float upper = moved.data().getAtIndex(JAVA_FLOAT, (long) j * n + i);
                moved.data().setAtIndex(JAVA_FLOAT, (long) i * n + j, upper);
            }
        }
        return new Hessian(moved, memory);
    }

    /** The diagonal: mean squares of the inputs. */
    public float[] meanSquares() {
        float[] squares = new float[size()];
        for (int i = 0; i < squares.length; i++) {
            squares[i] = Math.max(0, diagonal(i));
        }
        return squares;
    }

    /**
     * The factor of the damped inverse.
     *
     * @param damping share of the mean diagonal that is added to it
     */
    InverseFactor factor(double damping) {
        return factor(damping, Workers.CALLER);
    }

    /** @param workers who share the work if the factor is not there yet */
    InverseFactor factor(double damping, Workers workers) {
        synchronized (factors) {
            return factors.computeIfAbsent(damping, d -> InverseFactor.of(this, d, memory, workers));
        }
    }

    /** @param order channel that stands at each place of {@code hessian} */
    record Ordered(int[] order, Hessian hessian) {}

    /** The same with the channels of the greatest mean square first; equal ones stay in their order. */
    Ordered byFallingDiagonal() {
        synchronized (factors) {
            if (ordered == null) {
                int n = size();
                float[] diagonal = new float[n];
                for (int i = 0; i < n; i++) {
                    diagonal[i] = diagonal(i);
                }
                int[] order = ColumnPlan.byFalling(diagonal);
                DenseMatrix moved = new DenseMatrix(memory.allocate(4L * n * n, 64), n, n);
                MemorySegment from = values().data();
                for (int i = 0; i < n; i++) {
                    for (int j = 0; j < n; j++) {
                        float value = from.getAtIndex(JAVA_FLOAT, (long) order[i] * n + order[j]);
                        moved.data().setAtIndex(JAVA_FLOAT, (long) i * n + j, value);
                    }
                }
                ordered = new Ordered(order, new Hessian(moved, memory));
            }
            return ordered;
        }
    }
}
