package org.bitscarp.cuda.driver;

import java.lang.foreign.MemorySegment;

/**
 * One GPU: its memory, its modules of kernels, its streams. The names and the meaning follow the CUDA driver API; device
 * addresses are plain {@code long}s.
 *
 * <p>Work on one stream runs in order; work on different streams may overlap. Copies and launches return at once and a
 * fault may show only at the next synchronisation. Any thread may call any method. Every method may throw a {@link
 * GpuException}.
 */
public interface GpuDriver extends AutoCloseable {
    /** One word: {@code cuda}, {@code emulated}. */
    String name();

    DeviceInfo device();

    /** Bytes of device memory that are free now. */
    long freeMemory();

    /**
     * Device memory with undefined content, aligned to 256 bytes.
     *
     * @param bytes at least 1
     * @param what for messages: whose memory it is
     * @throws OutOfDeviceMemory when the device has no such block
     */
    long allocate(long bytes, String what);

    /** @param address as {@link #allocate} gave it */
    void free(long address);

    /** What has been allocated and not freed. */
    AllocationLedger ledger();

    /** Page-locked host memory, which copies need to run while the caller goes on; until {@link #freePinned}. */
    MemorySegment allocatePinned(long bytes);

    void freePinned(MemorySegment pinned);

    /** Copies all of {@code source}; it must be native memory, and stay as it is until the copy is done. */
    void copyToDevice(long target, MemorySegment source, GpuStream stream);

    /** Fills all of {@code target}, which must be native memory; its content counts once the stream is synchronised. */
    void copyToHost(MemorySegment target, long source, GpuStream stream);

    void copyOnDevice(long target, long source, long bytes, GpuStream stream);

    /** Sets every byte. */
    void fill(long target, long bytes, byte value, GpuStream stream);

    /**
     * Loads a module.
     *
     * @param name for messages
     * @throws BadModule when the PTX is not understood or not for this device
     */
    GpuModule load(String name, String ptx);

    /**
     * Starts a kernel.
     *
     * @param sharedBytes dynamic shared memory
     * @throws IllegalArgumentException when the arguments do not fit the entry's parameters
     * @throws LaunchFailed when the device refuses grid, block or shared memory
     */
    void launch(
            GpuFunction function, Grid grid, Block block, int sharedBytes, GpuStream stream, KernelArguments arguments);

    /** The stream that work without a stream of its own goes to; it is not closed. */
    GpuStream defaultStream();

    /** A stream that does not wait for the default one. */
    GpuStream newStream();

    GpuEvent newEvent();

    /** Lets a library that works in the current context work on this device, from the calling thread. */
    default void makeCurrent() {}

    /** Waits until all work on all streams is done. */
    void synchronize();

    /** Gives everything back. Memory that is still allocated is gone too; {@link #ledger} tells which before. */
    @Override
    void close();
}
