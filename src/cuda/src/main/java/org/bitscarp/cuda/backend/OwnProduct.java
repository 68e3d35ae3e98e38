package org.bitscarp.cuda.backend;

import java.util.Optional;
import org.bitscarp.cuda.driver.Grid;

/** The project's own kernels, in fp32. */
final class OwnProduct implements MatrixProduct {
    private static final String MODULE = "matmul_fp32";

    private final Launcher launcher;
    private final String because;
    private final long largeFrom;

    /**
     * Large tiles where there are enough of them for every multiprocessor.
     *
     * @param because why it is not a library
     */
    OwnProduct(Launcher launcher, String because) {
        this(launcher, because, launcher.multiprocessors());
    }

    /** @param largeFrom number of large tiles from which on they are used */
    OwnProduct(Launcher launcher, String because, long largeFrom) {
        this.launcher = launcher;
        this.because = because;
        this.largeFrom = largeFrom;
    }

    @Override
    public String description() {
        return "own matrix product (" + because + ")";
    }

    @Override
    public void multiply(Lane lane, DeviceTensor x, DeviceTensor w, DeviceTensor y) {
        int m = x.rows();
        int n = w.rows();
        int tile = tile(m, n);
        launcher.call(lane, MODULE, "matmul_" + tile)
                .reads(x)
                .reads(w)
                .writes(y)
                .integer(m)
                .integer(n)
                .integer(x.columns())
                .launch(grid(m, n, tile), threads(tile));
    }

    @Override
    public void addOuterProducts(Lane lane, DeviceTensor x, int first, int count, DeviceTensor sums) {
        int n = x.columns() - first;
        int tile = tile(count, n);
        DeviceTensor columns = new DeviceTensor(x.block(), x.offset() + 4L * first, x.rows(), x.columns());
        DeviceTensor panel = new DeviceTensor(
                sums.block(), sums.offset() + 4 * ((long) first * x.columns() + first), count, x.columns());
        launcher.call(lane, MODULE, "outer_" + tile)
                .reads(columns)
                .writes(panel)
                .integer(count)
                .integer(n)
                .integer(x.rows())
                .integer(x.columns())
                .launch(grid(count, n, tile), threads(tile));
    }

    private int tile(int m, int n) {
        return grid(m, n, 128).blocks() >= largeFrom ? 128 : 32;
    }

    private static Grid grid(int m, int n, int tile) {
        return Grid.of((n + tile - 1) / tile, (m + tile - 1) / tile);
    }

    /** 8 × 8 outputs a thread in the large tile, 4 × 4 in the small one. */
    private static int threads(int tile) {
        return tile == 128 ? 256 : 64;
    }

    @Override
    public Optional<DenseType> scoring() {
        return Optional.of(DenseType.FP32);
    }

    @Override
    public void close() {}
}
