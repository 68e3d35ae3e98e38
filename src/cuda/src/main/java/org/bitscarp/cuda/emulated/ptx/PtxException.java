package org.bitscarp.cuda.emulated.ptx;

/** PTX that is not understood. */
public final class PtxException extends RuntimeException {
    public PtxException(int line, String message) {
        super("PTX line " + line + ": " + message);
    }
}
