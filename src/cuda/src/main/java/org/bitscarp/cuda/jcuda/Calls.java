package org.bitscarp.cuda.jcuda;

import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import org.bitscarp.cuda.driver.DeviceLost;
import org.bitscarp.cuda.driver.GpuException;

/** Calls into the driver: addresses as numbers, statuses as exceptions of ours. */
final class Calls {
    private Calls() {}

    /** A status other than success comes out of JCuda as an exception whose message is the status' name. */
    static void run(String device, String what, Runnable call) {
        try {
            call.run();
        } catch (CudaException e) {
            throw translate(device, what, e);
        }
    }

    static GpuException translate(String device, String what, CudaException e) {
        return isLost(e)
                ? new DeviceLost(device, what, status(e))
                : new GpuException(what + " on " + device + ": " + status(e), e);
    }

    /** Statuses after which a context answers nothing else any more (CUDA driver API, CUresult). */
    static boolean isLost(CudaException e) {
        return switch (status(e)) {
            case "CUDA_ERROR_ILLEGAL_ADDRESS",
                    "CUDA_ERROR_LAUNCH_FAILED",
                    "CUDA_ERROR_LAUNCH_TIMEOUT",
                    "CUDA_ERROR_HARDWARE_STACK_ERROR",
                    "CUDA_ERROR_ILLEGAL_INSTRUCTION",
                    "CUDA_ERROR_MISALIGNED_ADDRESS",
                    "CUDA_ERROR_INVALID_ADDRESS_SPACE",
                    "CUDA_ERROR_INVALID_PC",
                    "CUDA_ERROR_ECC_UNCORRECTABLE",
                    "CUDA_ERROR_CONTEXT_IS_DESTROYED",
                    "CUDA_ERROR_DEINITIALIZED" -> true;
            default -> false;
        };
    }

    static boolean isOutOfMemory(CudaException e) {
        return status(e).equals("CUDA_ERROR_OUT_OF_MEMORY");
    }

    static String status(CudaException e) {
        return e.getMessage() == null ? "unknown error" : e.getMessage().strip();
    }

    static CUdeviceptr device(long address) {
        return new CUdeviceptr().withByteOffset(address);
    }

    /** Receives an address of device memory. */
    static final class DeviceAddress extends CUdeviceptr {
        long value() {
            return getNativePointer() + getByteOffset();
        }
    }

    /** An address of host memory, given or received. */
    static final class HostAddress extends Pointer {
        HostAddress() {}

        HostAddress(long address) {
            super(address);
        }

        long value() {
            return getNativePointer() + getByteOffset();
        }
    }

    /** A stream whose handle other libraries may have. */
    static final class Stream extends CUstream {
        long value() {
            return getNativePointer();
        }
    }
}
