package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;

/** The project's own kernels, in fp32. */
final class OwnProduct implements MatrixProduct {
    /** Sides of the blocks of outputs that a block of threads computes. */
    private static final int LARGE = 128;

    private static final int SMALL = 32;
    private static final int LARGE_THREADS = 256;
    private static final int SMALL_THREADS = 64;

    private final Launcher launcher;
    private final long largeFrom;

    /** Large tiles where there is one for each multiprocessor: with fewer, small ones keep more of the device busy. */
    OwnProduct(Launcher launcher) {
        this(launcher, launcher.queue.driver().device().multiprocessors());
    }

    /** @param largeFrom number of large tiles from which on they are used */
    OwnProduct(Launcher launcher, long largeFrom) {
        this.launcher = launcher;
        this.largeFrom = largeFrom;
    }

    @Override
    public String description() {
        return "own matrix product";
    }

    @Override
    public void multiply(Lane lane, DeviceTensor x, DeviceTensor w, DeviceTensor y) {
        int m = x.rows();
        int n = w.rows();
        boolean large = large(m, n);
        launcher.call(lane, "matmul_fp32", large ? "matmul_large" : "matmul_small")
                .reads(x)
                .reads(w)
                .writes(y)
                .integer(m)
                .integer(n)
                .integer(x.columns())
                .launch(grid(large, m, n), large ? LARGE_THREADS : SMALL_THREADS);
    }

    @Override
    public void addOuterProducts(Lane lane, DeviceTensor x, int first, int count, DeviceTensor sums) {
        int columns = x.columns();
        int width = columns - first;
        boolean large = large(count, width);
        launcher.call(lane, "matmul_fp32", large ? "outer_large" : "outer_small")
                .reads(x)
                .writes(sums)
                .integer(first)
                .integer(count)
                .integer(x.rows())
                .integer(columns)
                .launch(grid(large, count, width), large ? LARGE_THREADS : SMALL_THREADS);
    }

    private boolean large(int m, int n) {
        return m > SMALL && (long) Math.ceilDiv(m, LARGE) * Math.ceilDiv(n, LARGE) >= largeFrom;
    }

    private static Grid grid(boolean large, int m, int n) {
        int side = large ? LARGE : SMALL;
        return new Grid(Math.ceilDiv(n, side), Math.ceilDiv(m, side), 1);
    }

    @Override
    public void close() {}
}
