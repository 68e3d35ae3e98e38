package org.bitscarp.eval.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;

/** Fills a tensor from a formula on the host. */
final class HostFloats {
    private HostFloats() {}

    /** Value of an element. */
    @FunctionalInterface
    interface Formula {
        double at(int row, int column);
    }

    static void upload(Backend backend, Tensor target, Formula formula) {
        try (Arena arena = Arena.ofShared()) {
            int columns = target.columns();
            MemorySegment values = arena.allocate(4L * target.rows() * columns, 64);
            for (int row = 0; row < target.rows(); row++) {
                for (int i = 0; i < columns; i++) {
                    values.setAtIndex(ValueLayout.JAVA_FLOAT, (long) row * columns + i, (float) formula.at(row, i));
                }
            }
            backend.upload(values, target);
        }
    }
}
