package org.bitscarp.cuda.driver;

/** A kernel could not be started, or it faulted. */
public class LaunchFailed extends GpuException {
    public LaunchFailed(String kernel, Grid grid, Block block, int sharedBytes, String device, String reason) {
        super("kernel " + kernel + " (grid " + grid + ", block " + block + ", " + sharedBytes
                + " bytes of dynamic shared memory) on " + device + ": " + reason);
    }
}
