package org.bitscarp.cuda.driver;

/** The device or its context is gone: nothing that was on it can be read any more. */
public final class DeviceLost extends GpuException {
    public DeviceLost(String device, String during, String reason) {
        super("device lost during " + during + " on " + device + ": " + reason
                + "; start again, and look for Xid messages of the driver in the system's log");
    }
}
