package org.bitscarp.cuda.driver;

/** Kernels that were loaded together. */
public interface GpuModule extends AutoCloseable {
    String name();

    /** @throws IllegalArgumentException when the module has no such entry; the message lists those that it has */
    GpuFunction function(String entry);

    @Override
    void close();
}
