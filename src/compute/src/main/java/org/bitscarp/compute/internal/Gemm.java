package org.bitscarp.compute.internal;

import java.lang.foreign.MemorySegment;

/** A dense fp32 matrix product on the calling thread, over strided views of host memory. */
public interface Gemm {
    /** For reports. */
    String name();

    /**
     * y = x·w, or x·wᵀ.
     *
     * @param x [m, k]
     * @param w [n, k] when transposed, else [k, n]
     * @param y [m, n], overwritten
     */
    void multiply(int m, int n, int k, Panel x, Panel w, boolean transposed, Panel y);

    /**
     * y += xᵀ·w.
     *
     * @param x [k, m]
     * @param w [k, n]
     * @param y [m, n]
     */
    void addTransposed(int m, int n, int k, Panel x, Panel w, Panel y);

    /**
     * y += xᵀ·x; below the diagonal, y becomes of no use.
     *
     * @param x [k, m]
     * @param y [m, m]
     */
    default void addSquare(int m, int k, Panel x, Panel y) {
        addTransposed(m, m, k, x, x, y);
    }

    /**
     * A matrix inside a larger one.
     *
     * @param data floats in native order
     * @param at index of its first float
     * @param stride floats from one row to the next
     */
    record Panel(MemorySegment data, long at, int stride) {
        public static Panel of(HostTensor t) {
            return new Panel(t, 0, 0);
        }

        Panel(HostTensor t, int row, int column) {
            this(t.data(), (long) row * t.columns() + column, t.columns());
        }
    }
}
