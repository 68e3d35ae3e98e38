package org.bitscarp.cuda.jcuda;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUjit_option;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import jcuda.driver.JITOptions;
import org.bitscarp.cuda.driver.BadModule;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.GpuModule;

/** PTX that the driver has compiled for its device. */
record JCudaModule(JCudaGpuDriver driver, String name, CUmodule handle, Map<String, EntrySignature> signatures)
        implements GpuModule {
    private static final int LOG_BYTES = 16 << 10;

    static JCudaModule load(JCudaGpuDriver driver, String name, String ptx) {
        CUmodule handle = new CUmodule();
        JITOptions options = new JITOptions();
        options.putBytes(CUjit_option.CU_JIT_ERROR_LOG_BUFFER, new byte[LOG_BYTES]);
        options.putInt(CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, LOG_BYTES);
        byte[] text = (ptx + "\0").getBytes(StandardCharsets.UTF_8);
        driver.call("loading " + name, () -> {
            // JCuda returns the status of this call even where exceptions are on.
            int status = JCudaDriver.cuModuleLoadDataJIT(handle, Pointer.to(text), options);
            if (status != CUresult.CUDA_SUCCESS) {
                String log = options.getString(CUjit_option.CU_JIT_ERROR_LOG_BUFFER);
                CudaException e = new CudaException(CUresult.stringFor(status));
                throw Calls.isLost(e)
                        ? e
                        : new BadModule(
                                name,
                                driver.device().describe(),
                                Calls.status(e) + (log == null || log.isBlank() ? "" : "; " + log.strip()));
            }
        });
        return new JCudaModule(driver, name, handle, EntrySignature.readAll(ptx));
    }

    @Override
    public GpuFunction function(String entry) {
        EntrySignature signature = signatures.get(entry);
        if (signature == null) {
            throw new IllegalArgumentException(
                    "module " + name + " has no kernel " + entry + ", only " + signatures.keySet());
        }
        CUfunction function = new CUfunction();
        driver.call("finding " + entry, () -> JCudaDriver.cuModuleGetFunction(function, handle, entry));
        return new JCudaFunction(driver, function, signature);
    }

    @Override
    public void close() {
        driver.call("unloading " + name, () -> JCudaDriver.cuModuleUnload(handle));
    }
}
