package org.bitscarp.cuda.emulated;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.Grid;

/**
 * Runs the blocks of launches, one launch at a time. Blocks are handed out in order; when some fail, the fault of the first
 * in that order is reported, so a message does not depend on threads either.
 */
final class Launcher {
    private final DeviceSpace space;
    private final int threads;
    private final ExecutorService workers;

    Launcher(DeviceSpace space, int threads) {
        this.space = space;
        this.threads = threads;
        this.workers = Executors.newFixedThreadPool(threads, task -> {
            Thread thread = new Thread(task, "emulated-device");
            thread.setDaemon(true);
            return thread;
        });
    }

    synchronized void run(Program program, ByteBuffer parameters, Grid grid, Block block, int dynamicShared) {
        int count = program.inOrder() ? 1 : (int) Math.min(threads, grid.blocks());
        Run run = new Run(grid.blocks());
        if (count == 1) {
            run.work(new BlockRun(program, space, parameters, grid, block, dynamicShared));
        } else {
            List<Future<?>> tasks = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                tasks.add(workers.submit(
                        () -> run.work(new BlockRun(program, space, parameters, grid, block, dynamicShared))));
            }
            await(tasks);
        }
        if (run.fault != null) {
            throw run.fault;
        }
    }

    private static void await(List<Future<?>> tasks) {
        boolean interrupted = false;
        for (Future<?> task : tasks) {
            boolean done = false;
            while (!done) {
                try {
                    task.get();
                    done = true;
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw new IllegalStateException(e.getCause());
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    void close() {
        workers.shutdownNow();
    }

    private static final class Run {
        private final AtomicLong next = new AtomicLong();
        private final long blocks;
        private long faulty = Long.MAX_VALUE;
        private Fault fault;

        Run(long blocks) {
            this.blocks = blocks;
        }

        void work(BlockRun runner) {
            for (long block = next.getAndIncrement(); block < blocks; block = next.getAndIncrement()) {
                try {
                    runner.run(block);
                } catch (Fault e) {
                    note(block, e);
                    return;
                }
            }
        }

        private synchronized void note(long block, Fault e) {
            next.set(blocks);
            if (block < faulty) {
                faulty = block;
                fault = e;
            }
        }
    }
}
