package org.bitscarp.datasets;

import java.io.IOException;

/** A text that cannot be used, said in one line for the user. */
public class TextException extends IOException {
    private static final long serialVersionUID = 1L;

    public TextException(String message) {
        super(message);
    }

    public TextException(String message, Throwable cause) {
        super(message, cause);
    }
}
