package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import org.bitscarp.compute.Backend;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;

/**
 * Groups of matrices that are quantized on the host for their bytes alone. While lanes are at one group, the calling thread
 * hands out the bytes of the group before, to be written. Weights of one group and bytes of two are in memory.
 */
final class QuantizeQueue implements AutoCloseable {
    /** Of {@link PackedMatrix#allocate}. */
    private static final int ALIGNMENT = 64;

    private final MatrixQuantizer quantizer;
    private final HostRows weights;
    /** For the group that lanes are at, and the one before. */
    private final Deque<ReusedMemory> memories = new ArrayDeque<>(List.of(new ReusedMemory(), new ReusedMemory()));

    private final SolveStats total;
    /** The group that lanes are at; null before the first. */
    private Group current;

    /** @param total what happened is added to, group by group */
    QuantizeQueue(Backend backend, Lanes lanes, SolveStats total) {
        quantizer = new MatrixQuantizer(backend, lanes);
        weights = new HostRows(lanes);
        this.total = total;
    }

    /**
     * Rows that make a matrix.
     *
     * @param job of the weights, once they are read
     * @param receiver takes the packed rows, on the calling thread and valid during the call only
     */
    record Entry(HostRows.Range rows, Function<DenseMatrix, MatrixQuantizer.Job> job, Receiver receiver) {}

    /** Takes packed rows. */
    @FunctionalInterface
    interface Receiver {
        void packed(PackedMatrix rows) throws IOException;
    }

    private record Group(
            List<Entry> entries, Arena mappings, PackedMatrix[] packed, SolveStats[] stats, MatrixQuantizer.Batch batch)
            implements AutoCloseable {
        void join() throws IOException {
            batch.join(stats);
        }

        void handOut() throws IOException {
            for (int i = 0; i < packed.length; i++) {
                entries.get(i).receiver.packed(packed[i]);
            }
        }

        /** Lets go of the weights; packed bytes stay. */
        @Override
        public void close() {
            batch.close();
            mappings.close();
        }
    }

    /** Begins a group, when lanes are done with the one before, and hands out the bytes of that one. */
    void add(Solver solver, List<Entry> entries) throws IOException {
        try (Group before = current) {
            current = null;
            join(before);
            current = begin(solver, List.copyOf(entries));
            handOut(before);
        }
    }

    /** Waits for the last group and hands out its bytes. */
    void finish() throws IOException {
        try (Group last = current) {
            current = null;
            join(last);
            handOut(last);
        }
    }

    private void join(Group group) throws IOException {
        if (group != null) {
            group.join();
            Arrays.stream(group.stats).forEach(total::add);
        }
    }

    private static void handOut(Group group) throws IOException {
        if (group != null) {
            group.handOut();
        }
    }

    private Group begin(Solver solver, List<Entry> entries) throws IOException {
        Arena mappings = Arena.ofShared();
        try {
            List<DenseMatrix> matrices =
                    weights.read(entries.stream().map(Entry::rows).toList(), mappings);
            MatrixQuantizer.Job[] jobs = new MatrixQuantizer.Job[entries.size()];
            SolveStats[] stats = new SolveStats[jobs.length];
            for (int i = 0; i < jobs.length; i++) {
                jobs[i] = entries.get(i).job.apply(matrices.get(i));
                stats[i] = new SolveStats();
            }
            PackedMatrix[] packed = room(jobs);
            return new Group(entries, mappings, packed, stats, quantizer.start(solver, List.of(jobs), packed));
        } catch (IOException | RuntimeException | Error e) {
            mappings.close();
            throw e;
        }
    }

    /** Room for the packed bytes of jobs, which holds anything. */
    private PackedMatrix[] room(MatrixQuantizer.Job[] jobs) {
        ReusedMemory memory = memories.removeFirst();
        memories.addLast(memory);
        long bytes = Arrays.stream(jobs)
                .mapToLong(job -> job.packedBytes() + ALIGNMENT)
                .sum();
        SegmentAllocator slices = SegmentAllocator.slicingAllocator(memory.take(bytes));
        return Arrays.stream(jobs).map(job -> job.allocate(slices)).toArray(PackedMatrix[]::new);
    }

    /** Stops what lanes are at. */
    @Override
    public void close() {
        if (current != null) {
            current.close();
        }
        weights.close();
        memories.forEach(ReusedMemory::close);
    }
}
