package org.bitscarp.cuda.emulated;

import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.DeviceInfo;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.driver.FunctionAttributes;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.cuda.driver.LaunchFailed;

/** A decoded kernel and its limits. */
final class LoadedFunction implements GpuFunction {
    private static final int MAX_GRID_YZ = 65535;
    private static final int MAX_BLOCK_Z = 64;

    private final EntrySignature signature;
    private final Program program;
    private final int maxThreads;
    private final DeviceInfo device;
    private volatile int maxDynamicShared;

    LoadedFunction(EntrySignature signature, Program program, int maxThreads, DeviceInfo device) {
        this.signature = signature;
        this.program = program;
        this.maxThreads = Math.min(maxThreads, device.maxThreadsPerBlock());
        this.device = device;
        this.maxDynamicShared = device.sharedPerBlock() - program.sharedBytes();
    }

    Program program() {
        return program;
    }

    @Override
    public EntrySignature signature() {
        return signature;
    }

    @Override
    public FunctionAttributes attributes() {
        return new FunctionAttributes(maxThreads, 0, program.sharedBytes(), program.localBytes(), maxDynamicShared);
    }

    @Override
    public void allowDynamicShared(int bytes) {
        if (bytes > device.sharedPerBlockOptIn() - program.sharedBytes()) {
            throw new LaunchFailed(
                    name(),
                    Grid.of(1),
                    Block.of(1),
                    bytes,
                    device.name(),
                    "the device has " + device.sharedPerBlockOptIn() + " bytes of shared memory per block, of which the"
                            + " kernel itself takes " + program.sharedBytes());
        }
        maxDynamicShared = Math.max(maxDynamicShared, bytes);
    }

    /** Why a launch is not possible, null if it is. */
    String refusal(Grid grid, Block block, int sharedBytes) {
        if (block.threads() > maxThreads) {
            return block.threads() + " threads in a block, the kernel takes " + maxThreads;
        }
        if (block.z() > MAX_BLOCK_Z || grid.y() > MAX_GRID_YZ || grid.z() > MAX_GRID_YZ) {
            return "a grid has at most " + MAX_GRID_YZ + " blocks in y and z, a block " + MAX_BLOCK_Z + " threads in z";
        }
        if (sharedBytes < 0 || sharedBytes > maxDynamicShared) {
            return "dynamic shared memory is limited to " + maxDynamicShared + " bytes; allow more first";
        }
        return null;
    }
}
