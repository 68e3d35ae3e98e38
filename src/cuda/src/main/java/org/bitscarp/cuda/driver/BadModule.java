package org.bitscarp.cuda.driver;

/** PTX that the device does not take. */
public final class BadModule extends GpuException {
    public BadModule(String module, String device, String reason) {
        super("kernels of " + module + " do not load on " + device + ": " + reason);
    }
}
