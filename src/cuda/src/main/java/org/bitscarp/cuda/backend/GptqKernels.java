package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.gptq.ColumnPlan;

/**
 * GPTQ's column loop on the device: batch after batch as {@link ColumnPlan} cuts them. A block's grid is fitted
 * when the loop reaches it, so a batch stops there; what its errors do to the rest of it, and to the columns behind it, are
 * products.
 */
final class GptqKernels {
    private static final String MODULE = "gptq";
    private static final int WARPS = 4;
    private static final int TILE = 32;

    private final Launcher launcher;

    GptqKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    /**
     * Addresses of what the loop works on, in memory of the lane; of no use afterwards.
     *
     * @param weights room for rows × n floats
     * @param errors room for rows × {@link ColumnPlan#BATCH} floats, or rows × n
     */
    record Work(long weights, long errors) {}

    /**
     * Chooses grids and codes of all rows.
     *
     * @param w [rows, n]; weights that are not finite count as 0
     */
    void run(Lane lane, DeviceTensor w, LoopBlocks rows, CudaMoments.Factor factor, Work work) {
        int n = rows.columns();
        int length = rows.length();
        boolean fitted = factor.order() != null;
        load(lane, w, null, work.weights);
        if (fitted) {
            rows.fit(lane, work.weights, 0, rows.blocks());
            load(lane, w, factor.order(), work.weights);
        }
        int[] batches = ColumnPlan.leftToRight(n, fitted ? 1 : length).batches();
        for (int b = 0; b + 1 < batches.length; b++) {
            int begin = batches[b];
            int end = batches[b + 1];
            for (int first = begin, last; first < end; first = last) {
                last = fitted ? end : Math.min(end, (first / length + 1) * length);
                if (!fitted && first % length == 0) {
                    rows.fit(lane, work.weights, first / length, 1);
                }
                long errors = work.errors + 4L * (first - begin);
                round(lane, rows, factor, work.weights, errors, end - begin, first, last);
                feed(lane, rows, factor.upper(), work.weights, errors, end - begin, first, last, end);
            }
            feed(lane, rows, factor.upper(), work.weights, work.errors, end - begin, begin, end, n);
        }
    }

    /** Copies weights to where the loop works on them, in its order; null for left to right. */
    private void load(Lane lane, DeviceTensor w, DeviceTensor order, long work) {
        Call call = launcher.call(lane, MODULE, "gptq_load").reads(w);
        readsOrder(call, order)
                .address(work)
                .integer(w.rows())
                .integer(w.columns())
                .launch(Launcher.rowGrid(w.columns(), w.rows()), Launcher.THREADS);
    }

    private static Call readsOrder(Call call, DeviceTensor order) {
        return order == null ? call.address(0) : call.reads(order);
    }

    /** Rounds columns {@code [first, last)} of the order; errors are the first of rows of {@code pitch}. */
    private void round(
            Lane lane,
            LoopBlocks rows,
            CudaMoments.Factor factor,
            long weights,
            long errors,
            int pitch,
            int first,
            int last) {
        Call call = rows.rounding(lane).address(weights).reads(factor.upper());
        call = readsOrder(call, factor.order())
                .address(rows.grids())
                .address(rows.codes())
                .address(errors)
                .integer(pitch)
                .integer(rows.rows())
                .integer(rows.columns())
                .integer(first)
                .integer(last - first)
                .integer(rows.length());
        rows.own(call).launch(Grid.of(Math.ceilDiv(rows.rows(), WARPS)), 32 * WARPS);
    }

    /** Takes the errors of columns {@code [first, last)} to columns {@code [last, to)}. */
    private void feed(
            Lane lane,
            LoopBlocks rows,
            DeviceTensor upper,
            long weights,
            long errors,
            int pitch,
            int first,
            int last,
            int to) {
        int n = rows.columns();
        Product product = new Product(rows.rows(), to - last, last - first, 0);
        subtract(lane, product, errors, pitch, upper.from(first, last), weights + 4L * last, n);
    }

    /**
     * The size of a product.
     *
     * @param wanted address of an int for each of m rows, 0 for those that may be left out; 0 for all of them
     */
    record Product(int m, int n, int k, long wanted) {}

    /**
     * C −= A·B, each element one chain of fused multiply-adds in the order of k.
     *
     * @param a address of [m, k] in rows of {@code strideA}
     * @param b begins with [k, n], in rows as long as its own
     * @param c address of [m, n] in rows of {@code strideC}
     */
    void subtract(Lane lane, Product size, long a, int strideA, DeviceTensor b, long c, int strideC) {
        if (size.n == 0) {
            return;
        }
        launcher.call(lane, MODULE, "subtract_product")
                .address(a)
                .long64(strideA)
                .reads(b)
                .long64(b.columns())
                .address(c)
                .long64(strideC)
                .integer(size.m)
                .integer(size.n)
                .integer(size.k)
                .address(size.wanted)
                .launch(Grid.of(Math.ceilDiv(size.n, TILE), Math.ceilDiv(size.m, TILE)), 256);
    }
}
