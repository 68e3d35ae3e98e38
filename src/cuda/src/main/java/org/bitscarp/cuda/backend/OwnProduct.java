package org.bitscarp.cuda.backend;

/** The project's own kernels. */
final class OwnProduct implements MatrixProduct {
    private final Launcher launcher;

    OwnProduct(Launcher launcher) {
        this.launcher = launcher;
    }

    @Override
    public String description() {
        return "own matrix product";
    }

    @Override
    public void multiply(Lane lane, DeviceTensor x, DeviceTensor w, DeviceTensor y) {
        throw new UnsupportedOperationException("no kernel yet");
    }

    @Override
    public void addOuterProducts(Lane lane, DeviceTensor x, int first, int count, DeviceTensor sums) {
        throw new UnsupportedOperationException("no kernel yet");
    }

    @Override
    public void close() {}
}
