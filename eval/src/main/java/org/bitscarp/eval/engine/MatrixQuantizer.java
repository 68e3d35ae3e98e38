package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.transform.BasisChange;

/**
 * Quantizes matrices into their packed bytes and decodes those bytes for the backend, row ranges of all matrices spread
 * over the lanes. What is scored is always what the bytes say, never the solver's own idea of it.
 */
final class MatrixQuantizer {
    /** Weights in a piece of work: about a millisecond of round-to-nearest. */
    private static final int PIECE = 1 << 17;

    private final Backend backend;
    private final Lanes lanes;

    MatrixQuantizer(Backend backend, Lanes lanes) {
        this.backend = backend;
        this.lanes = lanes;
    }

    /**
     * One matrix to quantize.
     *
     * @param format what it is packed in
     * @param inputs what calibration tells of its inputs, or null
     * @param target where the decoded weights go; null where only the bytes are wanted
     * @param change what weights and inputs went through before, which is undone on the decoded weights
     */
    record Job(DenseMatrix weights, BlockFormat format, InputStatistics inputs, Tensor target, BasisChange change) {
        Job(DenseMatrix weights, BlockFormat format, InputStatistics inputs, Tensor target) {
            this(weights, format, inputs, target, BasisChange.NONE);
        }

        /** For a sink, with where the matrix belongs. */
        PackedSink.Packed packed(int level, int layer, TensorRole role, int expert, PackedMatrix matrix) {
            return new PackedSink.Packed(level, layer, role, expert, matrix, change, weights, inputs);
        }
    }

    /** What became of one matrix. */
    record Outcome(SolveStats stats, long bytes) {}

    /** Takes the packed bytes of a job, which live during the call only. */
    @FunctionalInterface
    interface Receiver {
        void packed(int job, PackedMatrix matrix) throws IOException;
    }

    /** @param receiver called for each job in order, on the calling thread */
    List<Outcome> run(Solver solver, List<Job> jobs, Receiver receiver) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            List<PackedMatrix> packed = new ArrayList<>();
            for (Job job : jobs) {
                packed.add(PackedMatrix.allocate(job.format, job.weights.rows(), job.weights.columns(), arena));
            }
            Solver.RowSolver[] solvers = new Solver.RowSolver[jobs.size()];
            lanes.forEach(jobs.size(), (lane, i) -> {
                Job job = jobs.get(i);
                solvers[i] = fitting(solver, job).prepare(job.weights, job.inputs, packed.get(i));
            });
            List<Piece> pieces = new ArrayList<>();
            for (int i = 0; i < jobs.size(); i++) {
                DenseMatrix w = jobs.get(i).weights;
                int step = Math.max(1, PIECE / Math.max(1, w.columns()));
                for (int from = 0; from < w.rows(); from += step) {
                    pieces.add(new Piece(i, solvers[i], from, Math.min(w.rows(), from + step)));
                }
            }
            lanes.forEach(pieces.size(), (lane, i) -> {
                Piece piece = pieces.get(i);
                piece.rows.solve(piece.from, piece.to, piece.stats);
                Job job = jobs.get(piece.job);
                if (job.target != null && job.change.none()) {
                    backend.decode(packed.get(piece.job), piece.from, piece.to, job.target);
                }
            });
            lanes.forEach(jobs.size(), (lane, i) -> {
                Job job = jobs.get(i);
                if (job.target != null && !job.change.none()) {
                    decodeBack(backend, packed.get(i), job.change, job.target);
                }
            });
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < packed.size(); i++) {
                receiver.packed(i, packed.get(i));
                outcomes.add(new Outcome(new SolveStats(), packed.get(i).byteSize()));
            }
            pieces.forEach(piece -> outcomes.get(piece.job).stats.add(piece.stats));
            return outcomes;
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
