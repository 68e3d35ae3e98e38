package org.bitscarp.model;

import java.io.IOException;

/** A checkpoint that cannot be used, said in one line for the user: file, tensor or key, expected against found, remedy. */
public class ModelException extends IOException {
    private static final long serialVersionUID = 1L;

    public ModelException(String message) {
        super(message);
    }

    public ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
