package org.bitscarp.cuda.driver;

/** One kernel of a loaded module. */
public interface GpuFunction {
    EntrySignature signature();

    FunctionAttributes attributes();

    /**
     * Permits launches with up to this much dynamic shared memory; needed above {@link DeviceInfo#sharedPerBlock}.
     *
     * @throws LaunchFailed when the device has less
     */
    void allowDynamicShared(int bytes);

    default String name() {
        return signature().name();
    }
}
