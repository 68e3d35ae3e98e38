package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.gptq.ColumnPlan;
import org.bitscarp.quant.gptq.GptqOptions;

/** GPTQ on integers, with what its options ask for beside the column loop ({@code quant.gptq.GptqSolver}). */
final class ErrorFeedback implements Choice {
    private static final int ALIGNMENT = 8;

    private final GptqKernels gptq;
    private final RefineKernels refine;
    private final GroupedInt format;
    private final int columns;
    private final boolean search;
    private final float[] importance;
    private final CudaMoments.Factor factor;
    /** Null for the column loop alone. */
    private final RefineKernels.Problem problem;

    /** @param importance of each column, for grids that are searched; null for all equal */
    ErrorFeedback(
            Lane lane,
            GptqKernels gptq,
            RefineKernels refine,
            GroupedInt format,
            GptqOptions options,
            CudaMoments moments,
            float[] importance) {
        this.gptq = gptq;
        this.refine = refine;
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
            grids = take(IntRows.gridBytes(format, rows, columns));
            codes = take((long) rows * columns);
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
        IntRows rows = new IntRows(format, w.rows(), columns, room + at.grids, room + at.codes, fallbacks);
        GptqKernels.GridRule rule = GptqKernels.GridRule.PUBLISHED;
        if (search) {
            if (importance != null) {
                lane.upload(MemorySegment.ofArray(importance), room + at.importances);
            }
            rule = new GptqKernels.GridRule(true, importance == null ? 0 : room + at.importances);
        }
        gptq.run(lane, w, rows, factor, rule, new GptqKernels.Work(room + at.weights, room + at.errors));
        if (problem != null) {
            refine.run(
                    lane,
                    w,
                    rows,
                    problem,
                    new RefineKernels.Room(
                            room + at.damped,
                            room + at.weights,
                            room + at.errors,
                            room + at.products,
                            room + at.ones,
                            room + at.flags));
        }
        gptq.pack(lane, rows, packed);
    }
}
