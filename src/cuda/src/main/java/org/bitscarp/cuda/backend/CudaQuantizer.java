package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
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
import org.bitscarp.quant.gptq.GptqSolver;

/**
 * Quantizes on the device: some rows at a time are packed into memory of the lane, decoded from there into the target, and
 * compared. Packed bytes come to the host only where somebody asks for them.
 */
final class CudaQuantizer implements DeviceQuantizer {
    /** Bytes of rows on the device at a time. */
    private static final long CHUNK = 64L << 20;

    private final DeviceQueue queue;
    private final Supplier<DeviceTensors> memories;
    private final QuantizeKernels grids;
    private final Launcher launcher;
    private final FactorKernels factors;
    private final PackedKernels packedKernels;
    private final RowErrors errors;

    /** @param memories for what outlives a call */
    CudaQuantizer(Launcher launcher, Supplier<DeviceTensors> memories) {
        queue = launcher.queue;
        this.memories = memories;
        grids = new QuantizeKernels(launcher);
        this.launcher = launcher;
        factors = new FactorKernels(launcher);
        packedKernels = new PackedKernels(launcher);
        errors = new RowErrors(launcher);
    }

    @Override
    public boolean supports(Solver solver, BlockFormat format, int columns) {
        return hasKernel(solver, format, columns);
    }

    static boolean hasKernel(Solver solver, BlockFormat format, int columns) {
        if (!format.supports(columns)) {
            return false;
        }
        if (solver instanceof GptqSolver loop) {
            return ErrorFeedback.supports(loop, format);
        }
        if (solver == Solvers.SEARCH) {
            return format instanceof GroupedInt;
        }
        return solver == Solvers.RTN && QuantizeKernels.supports(format);
    }

    @Override
    public long momentsBytes(int channels, Collection<Solver> solvers) {
        Set<Boolean> orders = new HashSet<>();
        boolean mean = false;
        for (Solver solver : solvers) {
            if (solver instanceof GptqSolver loop) {
                orders.add(loop.options().activationOrder());
                mean |= loop.options().refinements() > 0;
            }
        }
        return 4L * channels * channels * (orders.size() + (mean ? 1 : 0));
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
        Choice choice = choice(lane, job, totals);
        PackedFormat words = PackedFormat.of(job.format(), columns).orElseThrow();
        long rowBytes = job.format().rowBytes(columns);
        long fixed = choice.bytes(0);
        int step = (int) Math.clamp((CHUNK - fixed) / (rowBytes + choice.bytes(1) - fixed), 1, w.rows());
        for (int row = 0; row < w.rows(); row += step) {
            int rows = Math.min(step, w.rows() - row);
            // Counts come first, as they need alignment. The last word of packed bytes is read as a whole.
            long counts = lane.scratch(Counts.bytes(rows) + choice.bytes(rows) + rows * rowBytes + 3);
            long room = counts + Counts.bytes(rows);
            long bytes = room + choice.bytes(rows);
            DeviceTensor part = w.slice(row, rows);
            DeviceTensor decoded = target.slice(row, rows);
            queue.driver().fill(counts, Long.BYTES, (byte) 0, lane.stream);
            choice.run(lane, part, room, bytes, counts);
            packedKernels.decode(lane, words, bytes, rowBytes, decoded);
            errors.compare(lane, part, decoded, job.solver() instanceof GptqSolver, counts + Long.BYTES);
            if (packed != null) {
                lane.download(bytes, packed.bytes().asSlice(row * rowBytes, rows * rowBytes));
            }
            totals.add(Counts.fetch(lane, counts, rows), rows);
        }
    }

    private Choice choice(Lane lane, Job job, Totals totals) {
        if (job.solver() instanceof GptqSolver loop) {
            ErrorFeedback feedback = new ErrorFeedback(
                    launcher, lane, job.format(), loop.options(), (CudaMoments) job.moments(), job.importance());
            totals.stats.fallbacks += feedback.fallbacks();
            return feedback;
        }
        return job.solver() == Solvers.SEARCH
                ? grids.search((GroupedInt) job.format(), job.importance())
                : grids.nearest(job.format());
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
