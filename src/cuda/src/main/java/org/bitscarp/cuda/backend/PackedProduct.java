package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;

/**
 * y = x·wᵀ with w as it is packed. Which kernel: up to 8 rows a matrix-vector product in fp32; up to {@link #FEW_ROWS} one on
 * tensor cores that decodes weights on the way; beyond that weights are decoded once to 16 bits, since the fused kernel
 * decodes them again for every 32 rows. Where operands may not be rounded, or there are no tensor cores, eight rows at a time
 * in fp32. The bounds follow from bytes and operations and have not been measured.
 */
final class PackedProduct {
    private static final int VECTOR_ROWS = 8;
    private static final int FEW_ROWS = 64;
    /** Bytes per weight of decoding to fp32 first: the decoded weight is written, and read again. */
    private static final int DECODED_BYTES = 8;
    /** Warps of a block of the matrix-vector product. */
    private static final int WARPS = 4;
    /** Outputs of each of them with one row, and with more: inputs that are loaded once serve all of them. */
    private static final int OUTPUTS_1 = 2;

    private static final int OUTPUTS_8 = 4;
    /** Bytes of decoded weights at a time. */
    private static final long SLAB = 64L << 20;

    private final Launcher launcher;
    private final PackedKernels packed;
    private final TensorCores cores;
    private final DenseType type;

    /** @param type FP16 or BF16: what tensor cores multiply from nine rows on; FP32 where operands are not rounded */
    PackedProduct(Launcher launcher, DenseType type) {
        this.launcher = launcher;
        this.packed = new PackedKernels(launcher);
        this.cores = new TensorCores(launcher, launcher.multiprocessors());
        this.type = type;
    }

    /**
     * A packed matrix in device memory.
     *
     * @param weights its bytes, readable up to the next multiple of four behind the last
     * @param rowBytes bytes of a row
     */
    record Weights(PackedFormat format, DeviceTensor weights, long rowBytes, int rows, int columns) {
        /** What begins at a row; its address is all that counts. */
        DeviceTensor row(int first) {
            return new DeviceTensor(weights.block(), weights.offset() + first * rowBytes, 1, 0);
        }
    }

    /** Whether {@link #multiply} computes in fp32; else operands are rounded to the type. */
    boolean exact(int rows, PackedFormat format, int columns) {
        boolean cored = launcher.queue.driver().device().computeCapability() >= TensorCores.CAPABILITY;
        return type == DenseType.FP32 || rows <= VECTOR_ROWS || !cored || !(format.fused(columns) || chunked(columns));
    }

    /**
     * Whether {@link #multiply} moves no more bytes than decoding the weights to fp32 and multiplying those: eight rows at a
     * time, packed weights are read once for each eight.
     */
    boolean cheaper(int rows, PackedFormat format, long rowBytes, int columns) {
        if (!format.vectors()) {
            return false;
        }
        long again = Math.ceilDiv(rows, VECTOR_ROWS) - 1;
        return !exact(rows, format, columns) || rows <= FEW_ROWS && again * rowBytes <= (long) DECODED_BYTES * columns;
    }

    /** Whether decoded rows are whole chunks of tensor cores. */
    private boolean chunked(int columns) {
        return columns % (DenseType.CHUNK / type.bytes) == 0;
    }

    /**
     * x: [m, k] fp32, w: [n, k] packed, y: [m, n] fp32.
     *
     * @throws IllegalArgumentException for a format without such kernels, see {@link PackedFormat#vectors}
     */
    void multiply(Lane lane, DeviceTensor x, Weights w, DeviceTensor y) {
        if (!w.format().vectors()) {
            throw new IllegalArgumentException(w.format().word()
                    + " has no product from packed weights on a GPU; decode the weights and multiply them");
        }
        if (y.size() == 0) {
            return;
        }
        if (exact(x.rows(), w.format(), w.columns())) {
            for (int row = 0; row < x.rows(); row += VECTOR_ROWS) {
                int rows = Math.min(VECTOR_ROWS, x.rows() - row);
                vectors(lane, x.slice(row, rows), w, y.slice(row, rows));
            }
        } else if (w.format().fused(w.columns()) && (x.rows() <= FEW_ROWS || !chunked(w.columns()))) {
            fused(lane, x, w, y);
        } else {
            decoded(lane, x, w, y);
        }
    }

    private void vectors(Lane lane, DeviceTensor x, Weights w, DeviceTensor y) {
        PackedFormat format = w.format();
        boolean single = x.rows() == 1;
        int outputs = WARPS * (single ? OUTPUTS_1 : OUTPUTS_8);
        launcher.call(lane, "matvec_" + format.family(), "matvec_" + format.word() + (single ? "_1" : "_8"))
                .reads(w.weights())
                .long64(w.rowBytes())
                .reads(x)
                .writes(y)
                .integer(x.rows())
                .integer(w.rows())
                .integer(w.columns())
                .integer(format.length())
                .integer(format.zero())
                .launch(Grid.of(Math.ceilDiv(w.rows(), outputs)), 32 * WARPS);
    }

    private void fused(Lane lane, DeviceTensor x, Weights w, DeviceTensor y) {
        PackedFormat format = w.format();
        long scratch = lane.scratch(TensorCores.convertedBytes(type, x.rows(), x.columns()));
        TensorCores.Operand rounded = cores.convert(lane, x, type, scratch);
        launcher.call(lane, "matmul_" + format.family(), "matmul_" + format.word() + "_" + type.word())
                .address(rounded.address())
                .long64(rounded.stride())
                .reads(w.weights())
                .long64(w.rowBytes())
                .writes(y)
                .integer(x.rows())
                .integer(w.rows())
                .integer(w.columns())
                .integer(format.length())
                .integer(format.zero())
                .launch(Grid.of(Math.ceilDiv(w.rows(), 64), Math.ceilDiv(x.rows(), 32)), 128);
    }

    private void decoded(Lane lane, DeviceTensor x, Weights w, DeviceTensor y) {
        long rowBytes = TensorCores.convertedBytes(type, 1, w.columns());
        long left = x.rows() * rowBytes;
        int step = (int) Math.clamp(SLAB / rowBytes, 1, w.rows());
        long scratch = lane.scratch(left + step * rowBytes);
        TensorCores.Operand rounded = cores.convert(lane, x, type, scratch);
        for (int first = 0; first < w.rows(); first += step) {
            int count = Math.min(step, w.rows() - first);
            packed.decode(lane, w, first, count, type, scratch + left);
            TensorCores.Operand slab =
                    new TensorCores.Operand(scratch + left, rowBytes, count, type.chunks(w.columns()));
            cores.multiply(lane, type, rounded, slab, y.from(0, first), w.rows(), false);
        }
    }
}
