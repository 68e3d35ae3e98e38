package org.bitscarp.hub;

import java.io.IOException;

/**
 * Files that could not be had from the hub or its cache, said in one line for the user. Names out of server answers end
 * up in messages, so control characters are replaced and the length is bounded here.
 */
public class HubException extends IOException {
    private static final long serialVersionUID = 1L;
    private static final int MAX_LENGTH = 1500;

    /** What went wrong, as far as it decides what can be tried next. */
    public enum Reason {
        /** No answer, or one that says to come back later: what is cached may be used instead. */
        UNREACHABLE,
        /** The hub wants a token, another token, or a licence accepted: what is cached may be used instead. */
        DENIED,
        /** No such repository, revision or file, or none of the kind that is needed. */
        NOT_FOUND,
        /** All else: an answer that makes no sense, a wrong checksum, a full disk. */
        FAILED
    }

    private final Reason reason;

    public HubException(Reason reason, String message) {
        this(reason, message, null);
    }

    public HubException(Reason reason, String message, Throwable cause) {
        super(printable(message), cause);
        this.reason = reason;
    }

    public Reason reason() {
        return reason;
    }

    private static String printable(String message) {
        String line = message.length() > MAX_LENGTH ? message.substring(0, MAX_LENGTH) + "…" : message;
        return line.replaceAll("[\\p{Cntrl}\\p{Cf}\\u2028\\u2029]", "\uFFFD");
    }
}
