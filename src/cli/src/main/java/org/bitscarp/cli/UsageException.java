package org.bitscarp.cli;

/** The command line asks for something that cannot be; exit status 2. */
final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }
}
