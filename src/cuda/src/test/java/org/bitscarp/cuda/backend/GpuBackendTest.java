package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.BackendContract;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.GpuProbe;
import org.bitscarp.cuda.GpuTestSummary;
import org.bitscarp.cuda.driver.GpuDriver;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;

/** The contract of all backends on a GPU, where there is one. */
@Tag(GpuTestSummary.TAG)
class GpuBackendTest extends BackendContract {
    private static final List<GpuDriver> DRIVERS = new ArrayList<>();

    @Override
    protected Backend backend() {
        GpuProbe probe = GpuProbe.run();
        assumeTrue(probe.state() == GpuProbe.State.FOUND, probe.detail());
        DRIVERS.add(GpuDevices.open(0));
        return new CudaBackend(DRIVERS.getLast(), 1L << 30, ComputeType.FP32, 2);
    }

    @AfterAll
    static void nothingIsLeft() {
        DRIVERS.forEach(driver -> driver.ledger().requireEmpty());
        DRIVERS.clear();
    }
}
