package org.bitscarp.hub;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How patient the client is.
 *
 * @param attempts tries of one request, or of one download without any byte arriving
 * @param first pause after the first failure; doubles with each further one, less up to a half at random, so that many
 *     clients do not come back at the same moment
 * @param longest pause between two tries; a hub that asks for more is told to the user instead
 * @param stall a connection that gives no byte for so long is dropped
 */
record RetryPolicy(int attempts, Duration first, Duration longest, Duration stall) {
    static final RetryPolicy STANDARD =
            new RetryPolicy(6, Duration.ofSeconds(1), Duration.ofMinutes(5), Duration.ofSeconds(60));

    /** Pauses grow to this much by themselves; only {@code Retry-After} makes them longer. */
    private static final Duration GROWN = Duration.ofSeconds(30);

    /** @param failures tries that failed so far, from 1 */
    void pause(int failures, TransientException cause) throws HubException, InterruptedIOException {
        if (failures >= attempts || cause.retryAfter().compareTo(longest) > 0) {
            String asked = cause.retryAfter().compareTo(longest) > 0
                    ? "; it asks to wait " + cause.retryAfter().toSeconds() + " s"
                    : " (" + failures + (failures == 1 ? " try)" : " tries)");
            throw new HubException(HubException.Reason.UNREACHABLE, cause.getMessage() + asked, cause);
        }
        long grown = Math.min(GROWN.toMillis(), first.toMillis() << Math.min(failures - 1, 20));
        long millis = Math.max(
                cause.retryAfter().toMillis(), grown - (long) (grown * ThreadLocalRandom.current().nextDouble() / 2));
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
