package org.bitscarp.cuda.backend;

import java.util.Optional;

/**
 * The project's own kernels on tensor cores. Operands are rounded into memory of the lane's own first, which reads and writes
 * each once; sums are in fp32.
 *
 * <p>Hessians are inverted later and need fp32: their operands are split into two tf32 numbers each and three of the four
 * products added up, the smallest first (3×TF32; Ootomo and Yokota 2022, arXiv 2203.03341, section 2.3). What is left out is
 * of the order of 2⁻²² of a product. Whether that beats {@link OwnProduct} on a GPU has not been measured.
 */
final class TensorProduct implements MatrixProduct {
    /** Bytes of rounded weights at a time. */
    private static final long SLAB = 64L << 20;

    private final TensorCores cores;
    private final DenseType type;
    private final String because;

    /** @param because why it is not a library */
    TensorProduct(Launcher launcher, DenseType type, String because) {
        this(launcher, type, because, launcher.multiprocessors());
    }

    /** @param largeFrom number of large tiles from which on they are used */
    TensorProduct(Launcher launcher, DenseType type, String because, long largeFrom) {
        this.cores = new TensorCores(launcher, largeFrom);
        this.type = type;
        this.because = because;
    }

    @Override
    public String description() {
        return "own matrix product on tensor cores, " + type.word() + " (" + because + ")";
    }

    @Override
    public void multiply(Lane lane, DeviceTensor x, DeviceTensor w, DeviceTensor y) {
        int n = w.rows();
        int k = x.columns();
        long left = TensorCores.convertedBytes(type, x.rows(), k);
        int step = (int) Math.clamp(SLAB / Math.max(1, TensorCores.convertedBytes(type, 1, k)), 1, n);
        long scratch = lane.scratch(left + TensorCores.convertedBytes(type, step, k));
        TensorCores.Operand rounded = cores.convert(lane, x, type, scratch);
        for (int first = 0; first < n; first += step) {
            int count = Math.min(step, n - first);
            TensorCores.Operand slab = cores.convert(lane, w.slice(first, count), type, scratch + left);
            cores.multiply(lane, type, rounded, slab, y.from(0, first), n, false);
        }
    }

    @Override
    public void addOuterProducts(Lane lane, DeviceTensor x, int first, int count, DeviceTensor sums) {
        int columns = x.columns();
        int width = columns - first;
        if (x.rows() == 0) {
            return;
        }
        long scratch = lane.scratch(2 * TensorCores.convertedBytes(DenseType.TF32, width, x.rows()));
        TensorCores.Operand big = cores.split(lane, x, first, scratch);
        TensorCores.Operand small =
                new TensorCores.Operand(big.address() + big.stride() / 2, big.stride(), width, big.chunks());
        DeviceTensor panel = sums.from(first, first);
        add(lane, small, big, count, panel, columns);
        add(lane, big, small, count, panel, columns);
        add(lane, big, big, count, panel, columns);
    }

    private void add(
            Lane lane, TensorCores.Operand a, TensorCores.Operand b, int count, DeviceTensor panel, int columns) {
        TensorCores.Operand rows = new TensorCores.Operand(a.address(), a.stride(), count, a.chunks());
        cores.multiply(lane, DenseType.TF32, rows, b, panel, columns, true);
    }

    @Override
    public Optional<DenseType> scoring() {
        return Optional.of(type);
    }

    @Override
    public void close() {}
}
