package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bitscarp.compute.DeviceQuantizer;
import org.bitscarp.compute.Operands;
import org.bitscarp.compute.Tensor;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;

/**
 * Quantizes on the device: some rows at a time are packed into memory of the lane, decoded from there into the target, and
 * compared. Packed bytes come to the host only where somebody asks for them.
 */
final class CudaQuantizer implements DeviceQuantizer {
    /** Packed bytes on the device at a time. */
    private static final long CHUNK = 64L << 20;

    private final DeviceQueue queue;
    private final QuantizeKernels kernels;
    private final PackedKernels packedKernels;
    private final RowErrors errors;

    CudaQuantizer(Launcher launcher) {
        queue = launcher.queue;
        kernels = new QuantizeKernels(launcher);
        packedKernels = new PackedKernels(launcher);
        errors = new RowErrors(launcher);
    }

    @Override
    public boolean supports(Solver solver, BlockFormat format, int columns) {
        return solver == Solvers.RTN && format.supports(columns) && QuantizeKernels.supports(format);
    }

    @Override
    public SolveStats quantize(
            Solver solver, BlockFormat format, Tensor weights, int together, PackedMatrix packed, Tensor target) {
        Operands.requireSameShape("quantize", weights, target);
        if (!supports(solver, format, weights.columns())) {
            throw new IllegalArgumentException(
                    solver.name() + " has no kernel for " + format.name() + "; quantize on the host");
        }
        Totals totals = new Totals(weights.columns(), together);
        DeviceTensor w = DeviceTensor.of(weights);
        if (w.size() > 0) {
            queue.run(lane -> run(lane, format, w, packed, DeviceTensor.of(target), totals));
        }
        return totals.finish();
    }

    private void run(
            Lane lane, BlockFormat format, DeviceTensor w, PackedMatrix packed, DeviceTensor target, Totals totals) {
        PackedFormat words = PackedFormat.of(format, w.columns()).orElseThrow();
        long rowBytes = format.rowBytes(w.columns());
        int step = (int) Math.clamp(CHUNK / rowBytes, 1, w.rows());
        for (int row = 0; row < w.rows(); row += step) {
            int rows = Math.min(step, w.rows() - row);
            // Counts come first, as they need alignment. The last word of packed bytes is read as a whole.
            long counts = lane.scratch(Counts.bytes(rows) + rows * rowBytes + 3);
            long bytes = counts + Counts.bytes(rows);
            DeviceTensor part = w.slice(row, rows);
            DeviceTensor decoded = target.slice(row, rows);
            queue.driver().fill(counts, Long.BYTES, (byte) 0, lane.stream);
            kernels.nearest(lane, format, part, bytes, counts);
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
