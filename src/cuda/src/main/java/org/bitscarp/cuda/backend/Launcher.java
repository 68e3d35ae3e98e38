package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;

/** What launch code of all operations shares: how many threads and blocks a kind of work gets. */
final class Launcher {
    /** Threads of a block where the kernel does not say otherwise. */
    static final int THREADS = 256;
    /** Rows that a grid can have side by side. */
    private static final int MAX_GRID_ROWS = 65535;
    /** Blocks for each multiprocessor in kernels that stride over their elements: two full loads of 256 threads. */
    private static final int BLOCKS_EACH = 16;

    final DeviceQueue queue;
    private final KernelLibrary kernels;
    private final int multiprocessors;

    Launcher(DeviceQueue queue, KernelLibrary kernels) {
        this.queue = queue;
        this.kernels = kernels;
        multiprocessors = queue.driver().device().multiprocessors();
    }

    Call call(Lane lane, String module, String entry) {
        return new Call(queue, lane, kernels.get(module, entry));
    }

    int multiprocessors() {
        return multiprocessors;
    }

    /** A grid for kernels that stride over {@code n > 0} elements, with {@link #THREADS} threads. */
    Grid striding(long n) {
        return Grid.of((int) Math.min(BLOCKS_EACH * multiprocessors, (n + THREADS - 1) / THREADS));
    }

    /** A grid for kernels with a thread for each column, which stride over rows. */
    static Grid rowGrid(int columns, int rows) {
        return Grid.of((columns + THREADS - 1) / THREADS, Math.min(rows, MAX_GRID_ROWS));
    }

    /** Threads for a row: whole warps, as many as have an element, {@link #THREADS} at most. */
    static int rowThreads(int columns) {
        return Math.clamp((columns + 31L) / 32 * 32, 32, THREADS);
    }
}
