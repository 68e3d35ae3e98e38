package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;

/** Launches of the dense products on tensor cores and of what prepares their operands. */
final class TensorCores {
    /** The first devices with {@code cp.async} and all three types. */
    static final int CAPABILITY = 80;

    private static final String MODULE = "matmul_mma";
    private static final int SPLIT_SIDE = 32;

    private final Launcher launcher;
    private final long largeFrom;

    /** @param largeFrom number of large tiles from which on they are used */
    TensorCores(Launcher launcher, long largeFrom) {
        this.launcher = launcher;
        this.largeFrom = largeFrom;
    }

    /**
     * Rows of chunks in device memory.
     *
     * @param address of the first row
     * @param stride bytes from one row to the next
     */
    record Operand(long address, long stride, int rows, int chunks) {}

    /** Rounds a tensor to {@code type} into memory at {@code address}: {@code rows × padded(columns)} values. */
    Operand convert(Lane lane, DeviceTensor x, DenseType type, long address) {
        int padded = type.padded(x.columns());
        if (x.size() > 0) {
            launcher.call(lane, "convert", "convert")
                    .reads(x)
                    .address(address)
                    .integer(type.code)
                    .integer(x.rows())
                    .integer(x.columns())
                    .integer(padded)
                    .launch(Launcher.rowGrid(padded, x.rows()), Launcher.THREADS);
        }
        return new Operand(address, (long) padded * type.bytes, x.rows(), type.chunks(x.columns()));
    }

    /** Bytes that {@link #convert} needs. */
    static long convertedBytes(DenseType type, long rows, int columns) {
        return rows * type.padded(columns) * type.bytes;
    }

    /**
     * Splits columns {@code [first, x.columns())} into two tf32 numbers each, transposed: line i holds the big parts of a
     * column over all rows and, {@code padded(rows)} values on, the small ones.
     *
     * @return the big parts; the small ones begin half a stride behind
     */
    Operand split(Lane lane, DeviceTensor x, int first, long address) {
        int padded = DenseType.TF32.padded(x.rows());
        int width = x.columns() - first;
        launcher.call(lane, "convert", "split_transposed")
                .reads(x)
                .address(address)
                .integer(x.rows())
                .integer(x.columns())
                .integer(first)
                .integer(padded)
                .launch(Grid.of(Math.ceilDiv(padded, SPLIT_SIDE), Math.ceilDiv(width, SPLIT_SIDE)), Launcher.THREADS);
        return new Operand(address, 2L * padded * DenseType.TF32.bytes, width, DenseType.TF32.chunks(x.rows()));
    }

    /**
     * y = x·wᵀ, or y += x·wᵀ.
     *
     * @param y its first element is that of the product; rows are {@code strideY} floats apart
     */
    void multiply(Lane lane, DenseType type, Operand x, Operand w, DeviceTensor y, long strideY, boolean add) {
        boolean large = Grid.of(Math.ceilDiv(w.rows(), 128), Math.ceilDiv(x.rows(), 128))
                        .blocks()
                >= largeFrom;
        launcher.call(lane, MODULE, "matmul_" + type.word() + (large ? "_128" : "_32"))
                .address(x.address())
                .long64(x.stride())
                .address(w.address())
                .long64(w.stride())
                .writes(y)
                .long64(strideY)
                .integer(x.rows())
                .integer(w.rows())
                .integer(x.chunks())
                .integer(add ? 1 : 0)
                .launch(
                        large
                                ? Grid.of(Math.ceilDiv(w.rows(), 128), Math.ceilDiv(x.rows(), 128))
                                : Grid.of(Math.ceilDiv(w.rows(), 64), Math.ceilDiv(x.rows(), 32)),
                        large ? 256 : 128);
    }
}
