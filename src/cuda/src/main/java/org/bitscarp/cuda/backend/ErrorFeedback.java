package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.gptq.ColumnPlan;
import org.bitscarp.quant.gptq.GptqOptions;
import org.bitscarp.quant.gptq.GptqSolver;

/** GPTQ, on integers with what its options ask for beside the column loop ({@code quant.gptq.GptqSolver}). */
final class ErrorFeedback implements Choice {
    private static final int ALIGNMENT = 8;

    private final Launcher launcher;
    private final GptqKernels gptq;
    private final RefineKernels refine;
    private final BlockFormat format;
    private final int columns;
    private final boolean search;
    private final float[] importance;
    private final CudaMoments.Factor factor;
    /** Null for the column loop alone. */
    private final RefineKernels.Problem problem;

    /** Whether there are kernels for a format; integers have all that solvers ask for, others the loop with published grids. */
    static boolean supports(GptqSolver solver, BlockFormat format) {
        GptqOptions options = solver.options();
        return !solver.asymmetric()
                && (format instanceof GroupedInt
                        || !options.search() && options.refinements() == 0 && NamedBlocks.supports(format));
    }

    /** @param importance of each column, for grids that are searched; null for all equal */
    ErrorFeedback(
            Launcher launcher,
            Lane lane,
            BlockFormat format,
            GptqOptions options,
            CudaMoments moments,
            float[] importance) {
        this.launcher = launcher;
        gptq = new GptqKernels(launcher);
        refine = new RefineKernels(launcher, gptq);
        this.format = format;
        columns = moments.channels();
        search = options.search();
        this.importance = importance;
        factor = moments.factor(lane, options.damping(), options.activationOrder());
        problem = options.refinements() == 0
                ? null
                : new RefineKernels.Problem(
                        moments.mean(lane), factor.damping().lambda(), options.refinements(), options.refits());
    }

    /** What had to be left of the rule before any row. */
    int fallbacks() {
        return factor.damping().raised() + factor.damping().dead();
    }

    /** Where everything lies, from address 0 on. */
    private final class Layout {
        private long end;
        private final long damped;
        private final long importances;
        private final long ones;
        private final long weights;
        private final long errors;
        private final long products;
        private final long flags;
        private final long grids;
        private final long codes;

        Layout(int rows) {
            boolean refined = problem != null;
            damped = take(refined ? 8L * columns : 0);
            importances = take(search && importance != null ? 4L * columns : 0);
            ones = take(refined ? 4L * columns : 0);
            weights = take(4L * rows * columns);
            errors = take(4L * rows * (refined ? columns : Math.min(columns, ColumnPlan.BATCH)));
            products = take(refined ? 4L * rows * format.blockLength(columns) : 0);
            flags = take(refined ? 3 * 4L * rows : 0);
            grids = take(
                    format instanceof GroupedInt ints
                            ? IntRows.gridBytes(ints, rows, columns)
                            : NamedBlocks.gridBytes(format, rows, columns));
            codes = take((long) rows * columns);
        }

        RefineKernels.Room refining(long room) {
            return new RefineKernels.Room(
                    room + damped, room + weights, room + errors, room + products, room + ones, room + flags);
        }

        private long take(long bytes) {
            long begin = end;
            end += Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
            return begin;
        }
    }

    @Override
    public long bytes(int rows) {
        return new Layout(rows).end;
    }

    @Override
    public void run(Lane lane, DeviceTensor w, long room, long packed, long fallbacks) {
        Layout at = new Layout(w.rows());
        GptqKernels.Work work = new GptqKernels.Work(room + at.weights, room + at.errors);
        if (format instanceof GroupedInt ints) {
            IntRows rows = new IntRows(ints, w.rows(), columns, room + at.grids, room + at.codes, fallbacks);
            LoopBlocks blocks = new IntBlocks(launcher, rows, rule(lane, room + at.importances));
            gptq.run(lane, w, blocks, factor, work);
            if (problem != null) {
                refine.run(lane, w, rows, problem, at.refining(room));
            }
            blocks.pack(lane, packed);
        } else {
            LoopBlocks blocks =
                    new NamedBlocks(launcher, format, w.rows(), columns, room + at.grids, room + at.codes, fallbacks);
            gptq.run(lane, w, blocks, factor, work);
            blocks.pack(lane, packed);
        }
    }

    /** @param room for importances */
    private IntBlocks.Rule rule(Lane lane, long room) {
        if (search && importance != null) {
            lane.upload(MemorySegment.ofArray(importance), room);
        }
        return new IntBlocks.Rule(search, importance == null ? 0 : room);
    }
}
