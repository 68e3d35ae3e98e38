package org.bitscarp.hub;

import java.io.IOException;
import java.time.Duration;

/** A failure that may pass: a dropped connection, a busy or restarting server. Becomes a {@link HubException} in time. */
final class TransientException extends IOException {
    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    TransientException(String message, Duration retryAfter, Throwable cause) {
        super(message, cause);
        this.retryAfter = retryAfter;
    }

    /** What the server asked for; zero when it did not. */
    Duration retryAfter() {
        return retryAfter;
    }
}
