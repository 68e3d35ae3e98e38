package org.bitscarp.cuda.emulated;

import java.nio.ByteBuffer;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.Grid;

/** Runs blocks of one launch, one after the other, on one host thread. */
final class BlockRun {
    final DeviceSpace space;
    final SharedMemory shared;
    final ByteBuffer parameters;
    final Grid grid;
    final Block size;
    final int dynamicShared;
    /** Coordinates of the running block. */
    int blockX;

    int blockY;
    int blockZ;
    private final Warp[] warps;

    BlockRun(Program program, DeviceSpace space, ByteBuffer parameters, Grid grid, Block size, int dynamicShared) {
        this.space = space;
        this.parameters = parameters;
        this.grid = grid;
        this.size = size;
        this.dynamicShared = dynamicShared;
        this.shared = new SharedMemory(program.sharedBytes() + dynamicShared, program.granule());
        this.warps = new Warp[(size.threads() + Warp.LANES - 1) / Warp.LANES];
        for (int i = 0; i < warps.length; i++) {
            warps[i] = new Warp(program, this, i);
        }
    }

    void run(long block) {
        blockX = (int) (block % grid.x());
        blockY = (int) (block / grid.x() % grid.y());
        blockZ = (int) (block / grid.x() / grid.y());
        shared.reset();
        for (int i = 0; i < warps.length; i++) {
            warps[i].start(Math.min(Warp.LANES, size.threads() - i * Warp.LANES));
        }
        while (runToBarrier()) {
            shared.barrier();
        }
    }

    /** True when all threads of the block have met at a barrier, false when all have returned. */
    private boolean runToBarrier() {
        int waiting = 0;
        for (Warp warp : warps) {
            if (warp.run() == Warp.State.AT_BARRIER) {
                waiting++;
            }
        }
        if (waiting == 0) {
            return false;
        }
        Warp first = null;
        for (Warp warp : warps) {
            if (warp.live() != 0 && first == null) {
                first = warp;
            }
        }
        for (Warp warp : warps) {
            if (warp.live() != warp.existing()) {
                int returned = warp.existing() & ~warp.live();
                throw first.barrier.fault(
                        first,
                        Warp.lane(first.live()),
                        "divergent: waits at a barrier of the block, but " + warp.describe(Warp.lane(returned))
                                + " has returned");
            }
            if (warp.barrier != first.barrier) {
                throw first.barrier.fault(
                        first,
                        Warp.lane(first.live()),
                        "divergent: waits at this barrier, but " + warp.describe(Warp.lane(warp.live()))
                                + " at that of " + warp.barrier.source);
            }
        }
        first.barrier.meet(warps);
        return true;
    }

    String describe(int thread) {
        int x = thread % size.x();
        int y = thread / size.x() % size.y();
        int z = thread / size.x() / size.y();
        return "block (" + blockX + ", " + blockY + ", " + blockZ + ") thread (" + x + ", " + y + ", " + z + ")";
    }
}
