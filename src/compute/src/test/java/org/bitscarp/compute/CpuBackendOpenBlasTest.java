package org.bitscarp.compute;

import org.junit.jupiter.api.Assumptions;

class CpuBackendOpenBlasTest extends BackendContract {
    @Override
    protected Backend backend() {
        try {
            return CpuBackend.create(CpuBackend.MatrixProduct.OPENBLAS, 1);
        } catch (IllegalStateException e) {
            System.out.println("SKIPPED: " + e.getMessage());
            return Assumptions.abort(e.getMessage());
        }
    }
}
