package org.bitscarp.cuda.emulated;

/** A kernel did what it must not. The launch turns it into a {@code LaunchFailed}. */
final class Fault extends RuntimeException {
    Fault(String message) {
        super(message);
    }
}
