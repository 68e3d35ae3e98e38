package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.DeviceMoments;
import org.bitscarp.compute.DeviceQuantizer;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.Workers;
import org.bitscarp.quant.gptq.Hessian;
import org.bitscarp.quant.transform.BasisChange;

/**
 * Quantizes matrices into their packed bytes and decodes those bytes for the backend: on the device, matrix by matrix, where
 * it has their weights and a kernel, else on the host, row ranges of all matrices spread over the lanes. What is scored is
 * always what the bytes say, never the solver's own idea of it.
 */
final class MatrixQuantizer {
    private final Backend backend;
    private final DeviceQuantizer device;
    private final Lanes lanes;

    MatrixQuantizer(Backend backend, Lanes lanes) {
        this.backend = backend;
        device = backend.quantizer().orElse(null);
        this.lanes = lanes;
    }

    /**
     * One matrix to quantize.
     *
     * @param format what it is packed in
     * @param inputs what calibration tells of its inputs, or null
     * @param target where the decoded weights go; null where only the bytes are wanted
     * @param change what weights and inputs went through before, which is undone on the decoded weights
     * @param device what of it the device has; null where the host quantizes
     */
    record Job(
            DenseMatrix weights,
            BlockFormat format,
            InputStatistics inputs,
            Tensor target,
            BasisChange change,
            OnDevice device) {
        Job(DenseMatrix weights, BlockFormat format, InputStatistics inputs, Tensor target, BasisChange change) {
            this(weights, format, inputs, target, change, null);
        }

        Job(DenseMatrix weights, BlockFormat format, InputStatistics inputs, Tensor target) {
            this(weights, format, inputs, target, BasisChange.NONE);
        }

        /** The same with weights that the device has too. */
        Job from(OnDevice device) {
            return new Job(weights, format, inputs, target, change, device);
        }

        /** For a sink, with where the matrix belongs. */
        PackedSink.Packed packed(int level, int layer, TensorRole role, int expert, PackedMatrix matrix) {
            return new PackedSink.Packed(level, layer, role, expert, matrix, change, weights, inputs);
        }

        PackedMatrix allocate(SegmentAllocator memory) {
            return PackedMatrix.allocate(format, weights.rows(), weights.columns(), memory);
        }

        long packedBytes() {
            return weights.rows() * format.rowBytes(weights.columns());
        }

        /** Rows in a piece of work. */
        private int step() {
            return Solver.rowsTogether(weights.columns());
        }
    }

    /**
     * A matrix where it is multiplied.
     *
     * @param weights in full precision
     * @param moments of the inputs; null where there are none
     */
    record OnDevice(Tensor weights, DeviceMoments moments) {}

    /** What became of one matrix. */
    record Outcome(SolveStats stats, long bytes) {}

    /** Takes the packed bytes of a job, which live during the call only. */
    @FunctionalInterface
    interface Receiver {
        void packed(int job, PackedMatrix matrix) throws IOException;
    }

    /** @param receiver called for each job in order, on the calling thread; null where nobody wants the bytes */
    List<Outcome> run(Solver solver, List<Job> jobs, Receiver receiver) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            PackedMatrix[] packed = new PackedMatrix[jobs.size()];
            SolveStats[] stats = new SolveStats[jobs.size()];
            List<Integer> here = new ArrayList<>();
            List<Integer> away = new ArrayList<>();
            for (int i = 0; i < packed.length; i++) {
                stats[i] = new SolveStats();
                boolean onDevice = onDevice(solver, jobs.get(i));
                packed[i] = onDevice && receiver == null ? null : jobs.get(i).allocate(arena);
                (onDevice ? away : here).add(i);
            }
            lanes.forEach(away.size(), backend.lanes(), (lane, i) -> {
                int number = away.get(i);
                Job job = jobs.get(number);
                DeviceQuantizer.Job there = new DeviceQuantizer.Job(
                        fitting(solver, job),
                        job.format,
                        job.device.weights,
                        job.inputs == null ? null : job.inputs.meanSquares(),
                        job.device.moments,
                        job.step());
                stats[number] = device.quantize(there, packed[number], job.target);
            });
            onHost(solver, jobs, here, packed, stats);
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < packed.length; i++) {
                Job job = jobs.get(i);
                if (receiver != null) {
                    receiver.packed(i, packed[i]);
                }
                outcomes.add(new Outcome(stats[i], job.packedBytes()));
            }
            return outcomes;
        }
    }

    private boolean onDevice(Solver solver, Job job) {
        Solver fitting = fitting(solver, job);
        return device != null
                && job.device != null
                && (job.device.moments != null || !fitting.needsHessian())
                && !fitting.asymmetric()
                && device.supports(fitting, job.format, job.weights.columns());
    }

    private void onHost(Solver solver, List<Job> jobs, List<Integer> numbers, PackedMatrix[] packed, SolveStats[] stats)
            throws IOException {
        try (Batch batch = start(solver, jobs, numbers, packed)) {
            batch.join(stats);
        }
        lanes.forEach(numbers.size(), (lane, i) -> {
            Job job = jobs.get(numbers.get(i));
            if (job.target != null && !job.change.none()) {
                decodeBack(backend, packed[numbers.get(i)], job.change, job.target);
            }
        });
    }

    /**
     * Begins to quantize matrices on the host for their bytes alone, and returns while lanes are at it.
     *
     * @param packed where the bytes go, which may hold anything; lives until the batch is closed, as weights do
     */
    Batch start(Solver solver, List<Job> jobs, PackedMatrix[] packed) throws IOException {
        return start(solver, jobs, IntStream.range(0, jobs.size()).boxed().toList(), packed);
    }

    private Batch start(Solver solver, List<Job> jobs, List<Integer> numbers, PackedMatrix[] packed)
            throws IOException {
        prepareInputs(solver, numbers.stream().map(jobs::get).toList());
        Solver.RowSolver[] solvers = new Solver.RowSolver[jobs.size()];
        lanes.forEach(numbers.size(), (lane, i) -> {
            int number = numbers.get(i);
            Job job = jobs.get(number);
            solvers[number] = fitting(solver, job).prepare(job.weights, job.inputs, packed[number]);
        });
        List<Piece> pieces = new ArrayList<>();
        for (int number : numbers) {
            Job job = jobs.get(number);
            for (int from = 0; from < job.weights.rows(); from += job.step()) {
                int to = Math.min(job.weights.rows(), from + job.step());
                pieces.add(new Piece(number, solvers[number], from, to));
            }
        }
        Lanes.Running running = lanes.start(pieces.size(), (lane, i) -> {
            Piece piece = pieces.get(i);
            Job job = jobs.get(piece.job);
            packed[piece.job].clear(piece.from, piece.to);
            piece.rows.solve(piece.from, piece.to, piece.stats);
            if (job.target != null && job.change.none()) {
                backend.decode(packed[piece.job], piece.from, piece.to, job.target);
            }
        });
        return new Batch(pieces, running);
    }

    /** Matrices that lanes are quantizing. */
    record Batch(List<Piece> pieces, Lanes.Running running) implements AutoCloseable {
        /**
         * Waits until they are done.
         *
         * @param stats what happened to each job is added to
         */
        void join(SolveStats[] stats) throws IOException {
            running.join();
            pieces.forEach(piece -> stats[piece.job].add(piece.stats));
        }

        @Override
        public void close() {
            running.close();
        }
    }

    /**
     * Factors the second moments that a solver needs, each once: a lane each as long as there is one for every lane, the rest
     * one after another on all lanes.
     */
    private void prepareInputs(Solver solver, List<Job> jobs) throws IOException {
        Map<Hessian, InputStatistics> distinct = new LinkedHashMap<>();
        for (Job job : jobs) {
            if (fitting(solver, job).needsHessian()) {
                distinct.putIfAbsent(job.inputs.hessian(), job.inputs);
            }
        }
        List<InputStatistics> inputs = List.copyOf(distinct.values());
        int each = inputs.size() / lanes.count() * lanes.count();
        lanes.forEach(each, (lane, i) -> solver.prepareInputs(inputs.get(i), Workers.CALLER));
        for (InputStatistics rest : inputs.subList(each, inputs.size())) {
            solver.prepareInputs(rest, lanes.workers());
        }
    }

    /** Decodes a whole matrix into the basis that its weights were in before a change. */
    static void decodeBack(Backend backend, PackedMatrix packed, BasisChange change, Tensor target) {
        try (Arena arena = Arena.ofShared()) {
            DenseMatrix decoded = new DenseMatrix(
                    arena.allocate(4L * packed.rows() * packed.columns(), 64), packed.rows(), packed.columns());
            packed.decodeRows(0, packed.rows(), decoded);
            change.undo(decoded);
            backend.upload(decoded.data(), target);
        }
    }

    /**
     * Rounding for plain numbers, which leave nothing to solve; the search of scales for an expert that no token was sent
     * to, which the caller counts.
     */
    private static Solver fitting(Solver solver, Job job) {
        if (!solver.supports(job.format)) {
            return Solvers.RTN;
        }
        boolean unknown = job.inputs == null || job.inputs.hessian() == null;
        return solver.needsHessian() && unknown ? Solvers.SEARCH : solver;
    }

    private record Piece(int job, Solver.RowSolver rows, int from, int to, SolveStats stats) {
        Piece(int job, Solver.RowSolver rows, int from, int to) {
            this(job, rows, from, to, new SolveStats());
        }
    }
}
