package org.bitscarp.cuda.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.bitscarp.cuda.driver.DeviceMemory;
import org.bitscarp.cuda.driver.GpuDriver;

/**
 * Work for one device on a few lanes, from any thread. Work on the same tensors runs in the order in which it was given,
 * whatever lanes it is on: a lane waits, on the device, for the last writer of what it reads and for the last users of what
 * it writes. Work on different tensors may overlap, so one lane's transfers run beside another's kernels.
 */
final class DeviceQueue implements AutoCloseable {
    private final GpuDriver driver;
    private final DeviceMemory memory;
    private final List<Lane> lanes = new ArrayList<>();
    private final ThreadLocal<Lane> favourite = new ThreadLocal<>();

    DeviceQueue(GpuDriver driver, DeviceMemory memory, int lanes) {
        this.driver = driver;
        this.memory = memory;
        for (int i = 0; i < lanes; i++) {
            this.lanes.add(new Lane(i, lanes, driver, memory));
        }
    }

    GpuDriver driver() {
        return driver;
    }

    List<Lane> lanes() {
        return List.copyOf(lanes);
    }

    /** Zeroed memory. */
    DeviceBlock allocate(long bytes, String what) {
        DeviceBlock block = new DeviceBlock(memory.allocate(Math.max(bytes, 4), what), lanes.size());
        boolean done = false;
        try {
            clear(block, block.address(), bytes);
            done = true;
            return block;
        } finally {
            if (!done) {
                block.close();
            }
        }
    }

    /** Zeroes some bytes of a block. */
    void clear(DeviceBlock block, long address, long bytes) {
        if (bytes > 0) {
            run(lane ->
                    order(lane, List.of(), List.of(block), () -> driver.fill(address, bytes, (byte) 0, lane.stream)));
        }
    }

    void run(Consumer<Lane> work) {
        withLane(lane -> {
            work.accept(lane);
            return null;
        });
    }

    /** Runs on a lane that no other thread holds: the one this thread used last where it is free. */
    <T> T withLane(Function<Lane, T> work) {
        Lane lane = take();
        try {
            return work.apply(lane);
        } finally {
            lane.lock.unlock();
        }
    }

    private Lane take() {
        Lane own = favourite.get();
        if (own != null && own.lock.tryLock()) {
            return own;
        }
        for (Lane lane : lanes) {
            if (lane.lock.tryLock()) {
                favourite.set(lane);
                return lane;
            }
        }
        Lane lane = own == null ? lanes.getFirst() : own;
        favourite.set(lane);
        lane.lock.lock();
        return lane;
    }

    /**
     * Gives work to a lane's stream once the stream waits for what the work depends on. Nobody else may use the blocks before
     * this returns, as {@link org.bitscarp.compute.Backend} asks of its callers.
     */
    void order(Lane lane, List<DeviceBlock> reads, List<DeviceBlock> writes, Runnable work) {
        await(lane, reads, writes);
        work.run();
        note(lane, reads, writes);
    }

    private synchronized void await(Lane lane, List<DeviceBlock> reads, List<DeviceBlock> writes) {
        for (Lane other : lanes) {
            if (other == lane) {
                continue;
            }
            long needed = 0;
            for (DeviceBlock block : reads) {
                needed = Math.max(needed, block.written[other.number]);
            }
            for (DeviceBlock block : writes) {
                needed = Math.max(needed, Math.max(block.written[other.number], block.read[other.number]));
            }
            if (needed > lane.awaited[other.number]) {
                other.end.record(other.stream);
                lane.stream.await(other.end);
                lane.awaited[other.number] = other.given;
            }
        }
    }

    private synchronized void note(Lane lane, List<DeviceBlock> reads, List<DeviceBlock> writes) {
        lane.given++;
        reads.forEach(block -> block.read[lane.number] = lane.given);
        writes.forEach(block -> block.written[lane.number] = lane.given);
    }

    @Override
    public void close() {
        List<Runnable> steps = new ArrayList<>();
        lanes.forEach(lane -> steps.add(lane::close));
        Cleanup.all(steps);
    }
}
