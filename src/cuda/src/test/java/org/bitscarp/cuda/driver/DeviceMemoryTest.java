package org.bitscarp.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bitscarp.cuda.emulated.EmulatedGpuDriver;
import org.junit.jupiter.api.Test;

class DeviceMemoryTest {
    private final FaultyGpuDriver driver = new FaultyGpuDriver(new EmulatedGpuDriver(1 << 20, 80, 1));

    @Test
    void theCapHoldsAndEveryByteIsCounted() {
        DeviceMemory memory = new DeviceMemory(driver, 1000);
        DeviceBuffer first = memory.allocate(600, "first");
        String message = assertThrows(OutOfDeviceMemory.class, () -> memory.allocate(401, "second"))
                .getMessage();
        assertTrue(message.contains("401 bytes for second, 400 bytes free"), message);
        DeviceBuffer second = memory.allocate(400, "second");
        assertEquals(0, memory.available());
        first.close();
        first.close();
        assertEquals(400, memory.used());
        assertEquals(1000, memory.peak());
        assertEquals(400, driver.ledger().bytes());
        assertThrows(IllegalStateException.class, first::address);
        second.close();
        driver.ledger().requireEmpty();
    }

    @Test
    void aFailedAllocationCountsNothing() {
        DeviceMemory memory = new DeviceMemory(driver, 1000);
        driver.failAllocation(2);
        try (DeviceBuffer first = memory.allocate(100, "first")) {
            assertThrows(OutOfDeviceMemory.class, () -> memory.allocate(100, "second"));
            assertEquals(100, memory.used());
            memory.allocate(100, "third").close();
            assertEquals(100, first.bytes());
        }
        driver.ledger().requireEmpty();
        assertEquals(3, driver.allocations());
    }

    @Test
    void aLostDeviceStaysLostButTakesMemoryBack() {
        DeviceBuffer buffer = new DeviceMemory(driver, 1000).allocate(100, "buffer");
        driver.loseDevice(2);
        driver.synchronize();
        assertThrows(DeviceLost.class, driver::synchronize);
        assertThrows(DeviceLost.class, () -> driver.allocate(1, "more"));
        buffer.close();
        driver.ledger().requireEmpty();
    }

    @Test
    void oneLaunchFails() {
        GpuFunction f = driver.load(
                        "test", ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry k() { ret; }")
                .function("k");
        driver.failLaunch(1);
        GpuStream stream = driver.defaultStream();
        assertThrows(
                LaunchFailed.class,
                () -> driver.launch(f, Grid.of(1), Block.of(1), 0, stream, KernelArguments.start()));
        driver.launch(f, Grid.of(1), Block.of(1), 0, stream, KernelArguments.start());
        assertEquals(2, driver.launches());
    }
}
