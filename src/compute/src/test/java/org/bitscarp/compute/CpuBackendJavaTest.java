package org.bitscarp.compute;

class CpuBackendJavaTest extends BackendContract {
    @Override
    protected Backend backend() {
        return CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1);
    }
}
