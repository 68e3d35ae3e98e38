package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Supplier;
import org.bitscarp.compute.DeviceMoments;
import org.bitscarp.compute.DeviceQuantizer;
import org.bitscarp.compute.Operands;
import org.bitscarp.compute.Tensor;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.gptq.ColumnPlan;
import org.bitscarp.quant.gptq.GptqSolver;

/**
 * Quantizes on the device: some rows at a time are packed into memory of the lane, decoded from there into the target, and
 * compared. Packed bytes come to the host only where somebody asks for them.
 */
final class CudaQuantizer implements DeviceQuantizer {
    /** Bytes of rows on the device at a time. */
    private static final long CHUNK = 64L << 20;

    /** Columns that the CPU's loop feeds on together; it fits a block that begins among them before all have reached it. */
    private static final int FEED = 16;

    private final DeviceQueue queue;
    private final Supplier<DeviceTensors> memories;
    private final QuantizeKernels grids;
    private final GptqKernels gptq;
    private final FactorKernels factors;
    private final PackedKernels packedKernels;
    private final RowErrors errors;

    /** @param memories for what outlives a call */
    CudaQuantizer(Launcher launcher, Supplier<DeviceTensors> memories) {
        queue = launcher.queue;
        this.memories = memories;
        grids = new QuantizeKernels(launcher);
        gptq = new GptqKernels(launcher);
        factors = new FactorKernels(launcher);
        packedKernels = new PackedKernels(launcher);
        errors = new RowErrors(launcher);
    }

    @Override
    public boolean supports(Solver solver, BlockFormat format, int columns) {
        return hasKernel(solver, format, columns);
    }

    static boolean hasKernel(Solver solver, BlockFormat format, int columns) {
        if (solver instanceof GptqSolver loop) {
            int length = format.blockLength(columns);
            boolean whole = length >= columns || length % FEED == 0;
            return format instanceof GroupedInt && whole && loop.options().loopOnly();
        }
        if (solver == Solvers.SEARCH) {
            return format instanceof GroupedInt;
        }
        return solver == Solvers.RTN && format.supports(columns) && QuantizeKernels.supports(format);
    }

    @Override
    public DeviceMoments moments(Tensor sums, long rows) {
        return new CudaMoments(factors, memories.get(), DeviceTensor.of(sums), rows);
    }

    @Override
    public SolveStats quantize(Job job, PackedMatrix packed, Tensor target) {
        Operands.requireSameShape("quantize", job.weights(), target);
        if (!supports(job.solver(), job.format(), target.columns())) {
            throw new IllegalArgumentException(
                    job.solver().name() + " has no kernel for " + job.format().name() + "; quantize on the host");
        }
        Totals totals = new Totals(target.columns(), job.together());
        DeviceTensor w = DeviceTensor.of(job.weights());
        if (w.size() > 0) {
            queue.run(lane -> run(lane, job, w, packed, DeviceTensor.of(target), totals));
        }
        return totals.finish();
    }

    private void run(Lane lane, Job job, DeviceTensor w, PackedMatrix packed, DeviceTensor target, Totals totals) {
        int columns = w.columns();
        CudaMoments.Factor factor = job.solver() instanceof GptqSolver loop
                ? ((CudaMoments) job.moments()).factor(lane, loop.options().damping())
                : null;
        if (factor != null) {
            totals.stats.fallbacks +=
                    factor.damping().raised() + factor.damping().dead();
        }
        PackedFormat words = PackedFormat.of(job.format(), columns).orElseThrow();
        long rowBytes = job.format().rowBytes(columns);
        long workBytes = factor == null ? 0 : 4L * (columns + ColumnPlan.BATCH);
        int step = (int) Math.clamp(CHUNK / (rowBytes + workBytes), 1, w.rows());
        for (int row = 0; row < w.rows(); row += step) {
            int rows = Math.min(step, w.rows() - row);
            // Counts come first, as they need alignment. The last word of packed bytes is read as a whole.
            boolean weighted = job.solver() == Solvers.SEARCH && job.importance() != null;
            long importanceBytes = weighted ? 4L * columns : 0;
            long counts = lane.scratch(Counts.bytes(rows) + importanceBytes + rows * (workBytes + rowBytes) + 3);
            long importance = counts + Counts.bytes(rows);
            long work = importance + importanceBytes;
            long bytes = work + rows * workBytes;
            DeviceTensor part = w.slice(row, rows);
            DeviceTensor decoded = target.slice(row, rows);
            queue.driver().fill(counts, Long.BYTES, (byte) 0, lane.stream);
            if (job.solver() == Solvers.SEARCH) {
                if (weighted) {
                    lane.upload(MemorySegment.ofArray(job.importance()), importance);
                }
                grids.search(lane, (GroupedInt) job.format(), part, weighted ? importance : 0, bytes, counts);
            } else if (factor == null) {
                grids.nearest(lane, job.format(), part, bytes, counts);
            } else {
                long feedback = work + 4L * rows * columns;
                gptq.load(lane, part, work);
                gptq.run(
                        lane,
                        (GroupedInt) job.format(),
                        rows,
                        factor.upper(),
                        new GptqKernels.Work(work, feedback, bytes, counts));
            }
            packedKernels.decode(lane, words, bytes, rowBytes, decoded);
            errors.compare(lane, part, decoded, counts + Long.BYTES);
            if (packed != null) {
                lane.download(bytes, packed.bytes().asSlice(row * rowBytes, rows * rowBytes));
            }
            totals.add(Counts.fetch(lane, counts, rows), rows);
        }
    }

    /** On the device: how often grids left their rule, a long, and behind it what {@link RowErrors} finds of each row. */
    private static final class Counts {
        private Counts() {}

        static long bytes(int rows) {
            return Long.BYTES + (long) RowErrors.BYTES * rows;
        }

        static ByteBuffer fetch(Lane lane, long address, int rows) {
            byte[] found = new byte[Math.toIntExact(bytes(rows))];
            lane.download(address, MemorySegment.ofArray(found));
            return ByteBuffer.wrap(found).order(ByteOrder.nativeOrder());
        }
    }

    /** Rows in order, added up in the groups that the host would have worked on. */
    private static final class Totals {
        private final SolveStats stats = new SolveStats();
        private final int columns;
        private final int together;
        private SolveStats group = new SolveStats();
        private int held;

        Totals(int columns, int together) {
            this.columns = columns;
            this.together = together;
        }

        void add(ByteBuffer counts, int rows) {
            stats.fallbacks += counts.getLong();
            for (int row = 0; row < rows; row++) {
                RowErrors.add(counts, columns, group);
                if (++held == together) {
                    close();
                }
            }
        }

        private void close() {
            stats.add(group);
            group = new SolveStats();
            held = 0;
        }

        SolveStats finish() {
            close();
            return stats;
        }
    }
}
