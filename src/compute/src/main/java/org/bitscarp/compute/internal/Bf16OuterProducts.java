package org.bitscarp.compute.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.compute.Operands;
import org.bitscarp.compute.OuterProducts;
import org.bitscarp.compute.Tensor;

/**
 * Outer products of activations that are rounded to bf16 once for all panels.
 *
 * <p>Floor: rows · n² operations for the half above the diagonal, at twice the rate of fp32. Blocks on the diagonal are
 * whole, which costs another {@value #WHOLE} · rows · n.
 */
final class Bf16OuterProducts implements OuterProducts {
    /**
     * Rows of a block on the diagonal, half of which is for nothing. Measured on two threads, 1024 to 4096 columns: 128 gives
     * 273 to 378 useful GFLOP/s, 256 some 2 % less, whole panels of 512 some 12 to 35 % less.
     */
    private static final int WHOLE = 128;
    /** Blocks begin at multiples of this. */
    private static final int ALIGNMENT = 32;

    private final OneDnn oneDnn;
    private final HostTensor x;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment rounded;

    Bf16OuterProducts(OneDnn oneDnn, HostTensor x) {
        this.oneDnn = oneDnn;
        this.x = x;
        rounded = HostMemory.allocate(arena, (x.size() + 1) / 2);
        Bf16.round(x.data(), x.size(), rounded);
    }

    @Override
    public void add(int first, int count, Tensor sums) {
        Operands.requireOuterProducts(x, first, count, sums);
        if (x.rows() == 0 || count == 0) {
            return;
        }
        MemorySegment target = ((HostTensor) sums).data();
        addSquare(first, count, target);
        int rest = first + count;
        if (rest < x.columns()) {
            addBlock(first, count, rest, x.columns() - rest, target);
        }
    }

    private void addSquare(int first, int count, MemorySegment sums) {
        if (count <= WHOLE) {
            addBlock(first, count, first, count, sums);
            return;
        }
        int half = (count / 2 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        addSquare(first, half, sums);
        addBlock(first, half, first + half, count - half, sums);
        addSquare(first + half, count - half, sums);
    }

    private void addBlock(int row, int rows, int column, int columns, MemorySegment sums) {
        int n = x.columns();
        oneDnn.addTransposed(
                rows,
                columns,
                x.rows(),
                rounded.asSlice(2L * row),
                rounded.asSlice(2L * column),
                sums.asSlice(4 * ((long) row * n + column)),
                n);
    }

    @Override
    public void close() {
        arena.close();
    }
}
