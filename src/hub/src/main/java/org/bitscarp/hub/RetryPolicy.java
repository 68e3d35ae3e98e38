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

    /**
     * Says what happened and waits for the next try.
     *
     * @param failures tries that failed so far, from 1
     * @param next what the next try does
     * @throws HubException when there is no next try
     */
    void pause(int failures, TransientException cause, String next, HubListener listener)
            throws HubException, InterruptedIOException {
        boolean tooLong = cause.retryAfter().compareTo(longest) > 0;
        if (failures >= attempts || tooLong) {
            throw new HubException(
                    HubException.Reason.UNREACHABLE,
                    cause.getMessage()
                            + (tooLong
                                    ? "; it asks to wait " + cause.retryAfter().toSeconds() + " s"
                                    : " (" + failures + (failures == 1 ? " try)" : " tries)")),
                    cause);
        }
        long grown = Math.min(GROWN.toMillis(), first.toMillis() << Math.min(failures - 1, 20));
        long millis = Math.max(
                cause.retryAfter().toMillis(),
                grown - (long) (grown * ThreadLocalRandom.current().nextDouble() / 2));
        listener.note(cause.getMessage() + "; " + next + (millis < 500 ? "" : " in " + (millis + 500) / 1000 + " s"));
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
