package org.bitscarp.eval.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.bitscarp.quant.Workers;

/**
 * A fixed set of threads that share out numbered pieces of work. Which lane takes which piece is left to chance, so pieces
 * must not depend on it; sums are kept per piece and added up in order.
 */
public final class Lanes implements AutoCloseable {
    private final int count;
    private final ExecutorService threads;

    public Lanes(int count) {
        this.count = count;
        AtomicInteger number = new AtomicInteger();
        threads = Executors.newFixedThreadPool(count, task -> {
            Thread thread = new Thread(task, "lane-" + number.getAndIncrement());
            thread.setDaemon(true);
            return thread;
        });
    }

    public int count() {
        return count;
    }

    /** Work on piece {@code index}, on lane {@code lane}. */
    @FunctionalInterface
    public interface Task {
        void run(int lane, int index) throws IOException;
    }

    /**
     * Runs pieces 0 … n − 1 and waits for all of them. After the first failure no new piece is begun; it is thrown here.
     */
    public void forEach(int n, Task task) throws IOException {
        forEach(n, count, task);
    }

    /** The same on the first {@code atMost} lanes: for work on a device, which has its own number of them. */
    public void forEach(int n, int atMost, Task task) throws IOException {
        try (Running running = start(n, atMost, task)) {
            running.join();
        }
    }

    /** Begins pieces 0 … n − 1 and returns at once. */
    public Running start(int n, Task task) {
        return start(n, count, task);
    }

    private Running start(int n, int atMost, Task task) {
        Running running = new Running(n);
        for (int lane = 0; lane < Math.min(Math.min(count, atMost), n); lane++) {
            int number = lane;
            running.futures.add(threads.submit(() -> running.run(number, task)));
        }
        return running;
    }

    /** Pieces that lanes are working on. Closing it begins no new one and waits for those that were begun. */
    public static final class Running implements AutoCloseable {
        private final int n;
        private final AtomicInteger next = new AtomicInteger();
        private final List<Future<?>> futures = new ArrayList<>();

        private Running(int n) {
            this.n = n;
        }

        private Void run(int lane, Task task) throws IOException {
            try {
                for (int i = next.getAndIncrement(); i < n; i = next.getAndIncrement()) {
                    task.run(lane, i);
                }
            } catch (Throwable e) {
                next.set(n);
                throw e;
            }
            return null;
        }

        /** Waits for all pieces. After the first failure no new piece is begun; it is thrown here. */
        public void join() throws IOException {
            rethrow(failure());
        }

        private Throwable failure() {
            Throwable failure = null;
            for (Future<?> future : futures) {
                try {
                    future.get();
                } catch (ExecutionException e) {
                    failure = failure == null ? e.getCause() : failure;
                } catch (InterruptedException e) {
                    next.set(n);
                    Thread.currentThread().interrupt();
                    failure = failure == null ? new IOException("interrupted", e) : failure;
                }
            }
            futures.clear();
            return failure;
        }

        @Override
        public void close() {
            next.set(n);
            failure();
        }
    }

    /** These lanes for work without files; not to be used on a lane itself, which would wait for a place among them. */
    public Workers workers() {
        return (n, piece) -> {
            try {
                forEach(n, (lane, i) -> piece.accept(i));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }

    private static void rethrow(Throwable failure) throws IOException {
        switch (failure) {
            case null -> {}
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(failure);
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
