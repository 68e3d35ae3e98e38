package org.bitscarp.cuda.driver;

/** A point in a stream's work. */
public interface GpuEvent extends AutoCloseable {
    /** Moves the event to the end of the stream's work so far. */
    void record(GpuStream stream);

    void synchronize();

    /** Milliseconds from {@code start}, both recorded and passed. */
    float millisecondsSince(GpuEvent start);

    @Override
    void close();
}
