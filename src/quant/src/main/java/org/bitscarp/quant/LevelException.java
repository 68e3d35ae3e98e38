package org.bitscarp.quant;

/** A level string that cannot be read. The message names the bad word, what is allowed, and the nearest known word. */
public final class LevelException extends IllegalArgumentException {
    public LevelException(String message) {
        super(message);
    }
}
