package org.bitscarp.cuda.jcuda;

import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.cuda.driver.GpuStream;

/**
 * A CUDA stream.
 *
 * @param handle null for the default stream
 */
record JCudaStream(JCudaGpuDriver driver, CUstream handle) implements GpuStream {
    static JCudaStream create(JCudaGpuDriver driver) {
        CUstream handle = new CUstream();
        driver.call("making a stream", () -> JCudaDriver.cuStreamCreate(handle, CUstream_flags.CU_STREAM_NON_BLOCKING));
        return new JCudaStream(driver, handle);
    }

    @Override
    public void synchronize() {
        driver.call("waiting for a stream", () -> JCudaDriver.cuStreamSynchronize(handle));
    }

    @Override
    public void await(GpuEvent event) {
        driver.call(
                "waiting for an event", () -> JCudaDriver.cuStreamWaitEvent(handle, ((JCudaEvent) event).handle(), 0));
    }

    @Override
    public void close() {
        if (handle != null) {
            driver.call("closing a stream", () -> JCudaDriver.cuStreamDestroy(handle));
        }
    }
}
