package org.bitscarp.cuda.jcuda;

import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.JCudaDriver;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.driver.FunctionAttributes;
import org.bitscarp.cuda.driver.GpuFunction;

/** A kernel of a loaded module. */
record JCudaFunction(JCudaGpuDriver driver, CUfunction handle, EntrySignature signature) implements GpuFunction {
    @Override
    public FunctionAttributes attributes() {
        return new FunctionAttributes(
                attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK),
                attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_NUM_REGS),
                attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
                attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
                attribute(CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES));
    }

    private int attribute(int which) {
        int[] value = {0};
        driver.call("asking about " + name(), () -> JCudaDriver.cuFuncGetAttribute(value, which, handle));
        return value[0];
    }

    @Override
    public void allowDynamicShared(int bytes) {
        driver.call(
                "allowing " + name() + " " + bytes + " bytes of dynamic shared memory",
                () -> JCudaDriver.cuFuncSetAttribute(
                        handle, CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes));
    }
}
