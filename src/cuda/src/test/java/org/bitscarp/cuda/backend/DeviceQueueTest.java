package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.bitscarp.cuda.driver.DeviceMemory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Work on the same memory stays in its order on any lanes; other work need not. */
class DeviceQueueTest {
    private final StreamClock clock = new StreamClock();

    private record Piece(int number, List<DeviceBlock> reads, List<DeviceBlock> writes) {
        boolean conflicts(Piece earlier) {
            return writes.stream().anyMatch(b -> earlier.writes.contains(b) || earlier.reads.contains(b))
                    || reads.stream().anyMatch(earlier.writes::contains);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void conflictingWorkIsOrdered(int laneCount) {
        SplittableRandom random = new SplittableRandom(7);
        DeviceQueue queue = new DeviceQueue(clock, new DeviceMemory(clock, 1 << 20), laneCount);
        List<Lane> lanes = queue.lanes();
        List<DeviceBlock> blocks = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            blocks.add(queue.allocate(64, "block"));
        }
        List<Piece> pieces = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            Piece piece = new Piece(
                    clock.pieces(), pick(blocks, random, random.nextInt(3)), pick(blocks, random, random.nextInt(2)));
            Lane lane = lanes.get(random.nextInt(laneCount));
            queue.order(lane, piece.reads, piece.writes, () -> clock.fill(256, 1, (byte) 0, lane.stream));
            for (Piece earlier : pieces) {
                if (piece.conflicts(earlier)) {
                    assertTrue(clock.after(piece.number, earlier.number), earlier + " before " + piece);
                }
            }
            pieces.add(piece);
        }
        assertEquals(205, clock.pieces());
        queue.close();
    }

    @Test
    void readersAndStrangersRunSideBySide() {
        DeviceQueue queue = new DeviceQueue(clock, new DeviceMemory(clock, 1 << 20), 2);
        List<Lane> lanes = queue.lanes();
        DeviceBlock shared = queue.allocate(64, "shared");
        DeviceBlock own = queue.allocate(64, "own");
        // Each lane sees the zeros first, for which it may wait for all that the other had been given.
        for (Lane lane : lanes) {
            queue.order(lane, List.of(shared), List.of(own), () -> clock.fill(256, 1, (byte) 0, lane.stream));
        }
        int first = clock.pieces();
        queue.order(lanes.get(0), List.of(shared), List.of(), () -> clock.fill(256, 1, (byte) 0, lanes.get(0).stream));
        queue.order(lanes.get(1), List.of(shared), List.of(), () -> clock.fill(256, 1, (byte) 0, lanes.get(1).stream));
        queue.order(lanes.get(1), List.of(), List.of(own), () -> clock.fill(256, 1, (byte) 0, lanes.get(1).stream));
        assertFalse(clock.after(first + 1, first), "two readers");
        assertFalse(clock.after(first + 2, first), "a reader and a writer of something else");
        queue.close();
    }

    @Test
    void aSecondThreadGetsAFreeLane() throws InterruptedException {
        DeviceQueue queue = new DeviceQueue(clock, new DeviceMemory(clock, 1 << 20), 2);
        AtomicReference<Lane> other = new AtomicReference<>();
        Lane mine = queue.withLane(lane -> {
            Thread thread = new Thread(() -> other.set(queue.withLane(l -> l)));
            thread.start();
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return lane;
        });
        assertTrue(other.get() != null && other.get() != mine, "lanes " + mine + " and " + other.get());
        assertEquals(mine, queue.withLane(lane -> lane), "a thread keeps its lane");
        queue.close();
    }

    private static List<DeviceBlock> pick(List<DeviceBlock> blocks, SplittableRandom random, int n) {
        List<DeviceBlock> picked = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            picked.add(blocks.get(random.nextInt(blocks.size())));
        }
        return picked;
    }
}
