package org.bitscarp.compute;

class CpuBackendJavaTest extends BackendContract {
    @Override
    Backend backend() {
        return CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 1);
    }
}
