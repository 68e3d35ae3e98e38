package org.bitscarp.compute;

/** Tensors that are freed together. */
public interface TensorMemory extends AutoCloseable {
    /** A zeroed tensor, valid until {@link #close}. */
    Tensor allocate(int rows, int columns);

    @Override
    void close();
}
