package org.bitscarp.cuda.driver;

/** Work that runs in order. */
public interface GpuStream extends AutoCloseable {
    /** Waits until all work so far is done. */
    void synchronize();

    /** Lets work that is given from now on wait for an event that has been recorded. */
    void await(GpuEvent event);

    /** The driver's own handle ({@code CUstream}), for libraries that work on the same stream; 0 where there is none. */
    default long handle() {
        return 0;
    }

    @Override
    void close();
}
