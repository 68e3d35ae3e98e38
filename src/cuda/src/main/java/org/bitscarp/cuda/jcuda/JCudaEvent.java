package org.bitscarp.cuda.jcuda;

import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.JCudaDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.cuda.driver.GpuStream;

/** A CUDA event that takes times. */
record JCudaEvent(JCudaGpuDriver driver, CUevent handle) implements GpuEvent {
    static JCudaEvent create(JCudaGpuDriver driver) {
        CUevent handle = new CUevent();
        driver.call("making an event", () -> JCudaDriver.cuEventCreate(handle, CUevent_flags.CU_EVENT_DEFAULT));
        return new JCudaEvent(driver, handle);
    }

    @Override
    public void record(GpuStream stream) {
        driver.call("recording an event", () -> JCudaDriver.cuEventRecord(handle, ((JCudaStream) stream).stream()));
    }

    @Override
    public void synchronize() {
        driver.call("waiting for an event", () -> JCudaDriver.cuEventSynchronize(handle));
    }

    @Override
    public float millisecondsSince(GpuEvent start) {
        float[] milliseconds = {0};
        driver.call(
                "reading a time",
                () -> JCudaDriver.cuEventElapsedTime(milliseconds, ((JCudaEvent) start).handle, handle));
        return milliseconds[0];
    }

    @Override
    public void close() {
        driver.call("closing an event", () -> JCudaDriver.cuEventDestroy(handle));
    }
}
