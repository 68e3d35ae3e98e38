package org.bitscarp.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Closes a body that gives no byte for too long; the client itself waits for ever once the headers are there. */
final class StallGuard implements AutoCloseable {
    private static final ScheduledExecutorService WATCH = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("hub-watch").factory());

    private final InputStream body;
    private final long limit;
    private final ScheduledFuture<?> watch;
    private volatile long last = System.nanoTime();
    private volatile boolean stalled;

    StallGuard(InputStream body, Duration limit) {
        this.body = body;
        this.limit = limit.toNanos();
        long step = Math.max(1, this.limit / 4);
        this.watch = WATCH.scheduleWithFixedDelay(this::look, step, step, TimeUnit.NANOSECONDS);
    }

    private void look() {
        if (System.nanoTime() - last > limit) {
            stalled = true;
            try {
                body.close();
            } catch (IOException e) {
                // The reader hears of it.
            }
        }
    }

    /** @return bytes read, −1 at the end */
    int read(byte[] buffer) throws IOException {
        last = System.nanoTime();
        int read = body.read(buffer);
        if (read < 0 && stalled) {
            throw new IOException("closed after a stall");
        }
        return read;
    }

    boolean stalled() {
        return stalled;
    }

    @Override
    public void close() throws IOException {
        watch.cancel(false);
        body.close();
    }
}
