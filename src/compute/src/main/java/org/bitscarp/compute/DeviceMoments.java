package org.bitscarp.compute;

/**
 * Second moments of a linear map's inputs on a device, and what its quantizer has made of them so far, for all maps and levels
 * that read the same inputs. Safe for use by several threads.
 */
public interface DeviceMoments extends AutoCloseable {
    /** Frees what was made of the moments, not the sums themselves. */
    @Override
    void close();
}
