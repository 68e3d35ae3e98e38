package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.bitscarp.cuda.driver.DeviceBuffer;
import org.bitscarp.cuda.driver.DeviceMemory;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.cuda.driver.GpuStream;

/**
 * One stream with what work on it needs: two pinned buffers that transfers alternate between, so that the host fills one
 * while the other is on its way, and device memory for intermediate results. Held by one thread at a time.
 */
final class Lane implements AutoCloseable {
    /** Bytes of a pinned buffer: some ten times what moves while a transfer is being started. */
    private static final long CHUNK = 4L << 20;

    /** Bytes of intermediate results to begin with. */
    private static final long SCRATCH = 1 << 12;

    final int number;
    final ReentrantLock lock = new ReentrantLock();
    final GpuStream stream;
    /** Marks the end of the stream's work for other lanes. */
    final GpuEvent end;
    /** Work given to the stream so far. */
    long given;
    /** Work of each other lane that the stream's future work waits for already. */
    final long[] awaited;

    private final GpuDriver driver;
    private final DeviceMemory memory;
    private final MemorySegment[] pinned = new MemorySegment[2];
    private final GpuEvent[] passed = new GpuEvent[2];
    private int turn;
    private DeviceBuffer scratch;

    Lane(int number, int lanes, GpuDriver driver, DeviceMemory memory) {
        this.number = number;
        this.driver = driver;
        this.memory = memory;
        stream = driver.newStream();
        end = driver.newEvent();
        awaited = new long[lanes];
    }

    /** Sends all of {@code host} to the device; the caller may change it at once. */
    void upload(MemorySegment host, long target) {
        for (long done = 0; done < host.byteSize(); ) {
            long n = Math.min(CHUNK, host.byteSize() - done);
            int buffer = nextBuffer();
            passed[buffer].synchronize();
            MemorySegment.copy(host, done, pinned[buffer], 0, n);
            driver.copyToDevice(target + done, pinned[buffer].asSlice(0, n), stream);
            passed[buffer].record(stream);
            done += n;
        }
    }

    /** Fills {@code host} from the device and waits for it. */
    void download(long source, MemorySegment host) {
        int before = -1;
        for (long done = 0; done < host.byteSize() || before >= 0; done += CHUNK) {
            int buffer = before;
            if (done < host.byteSize()) {
                buffer = nextBuffer();
                long n = Math.min(CHUNK, host.byteSize() - done);
                passed[buffer].synchronize();
                driver.copyToHost(pinned[buffer].asSlice(0, n), source + done, stream);
                passed[buffer].record(stream);
            }
            if (before >= 0) {
                long at = done - CHUNK;
                passed[before].synchronize();
                MemorySegment.copy(pinned[before], 0, host, at, Math.min(CHUNK, host.byteSize() - at));
            }
            before = done < host.byteSize() ? buffer : -1;
        }
    }

    private int nextBuffer() {
        turn = 1 - turn;
        if (pinned[turn] == null) {
            pinned[turn] = driver.allocatePinned(CHUNK);
            passed[turn] = driver.newEvent();
            passed[turn].record(stream);
        }
        return turn;
    }

    /** Device memory of the lane's own, with undefined content; valid until the lane is given up or asks again. */
    long scratch(long bytes) {
        if (scratch == null || scratch.bytes() < bytes) {
            if (scratch != null) {
                stream.synchronize();
                scratch.close();
                scratch = null;
            }
            scratch = memory.allocate(Math.max(bytes, SCRATCH), "intermediate results");
        }
        return scratch.address();
    }

    @Override
    public void close() {
        List<Runnable> steps = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            if (pinned[i] != null) {
                MemorySegment buffer = pinned[i];
                steps.add(() -> driver.freePinned(buffer));
            }
            if (passed[i] != null) {
                steps.add(passed[i]::close);
            }
        }
        if (scratch != null) {
            steps.add(scratch::close);
        }
        steps.add(end::close);
        steps.add(stream::close);
        Cleanup.all(steps);
    }
}
