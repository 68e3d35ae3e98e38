package org.bitscarp.cuda.jcuda;

import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.cuda.driver.GpuStream;

/**
 * A CUDA stream.
 *
 * @param stream null for the default stream
 */
record JCudaStream(JCudaGpuDriver driver, Calls.Stream stream) implements GpuStream {
    static JCudaStream create(JCudaGpuDriver driver) {
        Calls.Stream stream = new Calls.Stream();
        driver.call("making a stream", () -> JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
        return new JCudaStream(driver, stream);
    }

    @Override
    public long handle() {
        return stream == null ? 0 : stream.value();
    }

    @Override
    public void synchronize() {
        driver.call("waiting for a stream", () -> JCudaDriver.cuStreamSynchronize(stream));
    }

    @Override
    public void await(GpuEvent event) {
        driver.call(
                "waiting for an event", () -> JCudaDriver.cuStreamWaitEvent(stream, ((JCudaEvent) event).handle(), 0));
    }

    @Override
    public void close() {
        if (stream != null) {
            driver.call("closing a stream", () -> JCudaDriver.cuStreamDestroy(stream));
        }
    }
}
