package org.bitscarp.cuda.jcuda;

import java.nio.charset.StandardCharsets;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.JCudaDriver;
import org.bitscarp.cuda.driver.DeviceInfo;

/** Asks the driver what a device is. */
final class DeviceReader {
    private DeviceReader() {}

    static DeviceInfo read(CUdevice device, int ordinal) {
        byte[] name = new byte[256];
        JCudaDriver.cuDeviceGetName(name, name.length, device);
        long[] total = {0};
        JCudaDriver.cuDeviceTotalMem(total, device);
        int[] version = {0};
        JCudaDriver.cuDriverGetVersion(version);
        int capability = 10 * attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
        return new DeviceInfo(
                ordinal,
                new String(name, StandardCharsets.UTF_8)
                        .replaceFirst("\0.*", "")
                        .strip(),
                capability,
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
                total[0],
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK),
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR),
                attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK),
                version[0]);
    }

    private static int attribute(CUdevice device, int which) {
        int[] value = {0};
        JCudaDriver.cuDeviceGetAttribute(value, which, device);
        return value[0];
    }
}
