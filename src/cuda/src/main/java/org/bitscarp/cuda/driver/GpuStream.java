package org.bitscarp.cuda.driver;

/** Work that runs in order. */
public interface GpuStream extends AutoCloseable {
    /** Waits until all work so far is done. */
    void synchronize();

    /** Lets work that is given from now on wait for an event that has been recorded. */
    void await(GpuEvent event);

    @Override
    void close();
}
