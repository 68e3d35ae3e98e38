package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;

/** Fits a grid to each block, or one to the tensor, and takes the nearest point for every weight. */
final class NearestSolver implements Solver {
    private final String name;
    private final boolean search;

    NearestSolver(String name, boolean search) {
        this.name = name;
        this.search = search;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean supports(BlockFormat format) {
        return !search || format.fitted();
    }

    @Override
    public boolean calibrated() {
        return search;
    }

    @Override
    public RowSolver prepare(DenseMatrix weights, InputStatistics inputs, PackedMatrix target) {
        target.checkShape(weights);
        if (inputs != null) {
            inputs.check(weights.columns());
        }
        float[] importance = inputs == null ? null : inputs.meanSquares();
        BlockFormat format = target.format();
        Grid shared = null;
        if (format.sharedGrid()) {
            shared = search ? format.searchShared(weights, importance) : format.fitShared(weights);
        }
        Grid grid = shared;
        return (from, to, stats) -> new Rows(weights, importance, target, grid).solve(from, to, stats);
    }

    private final class Rows {
        private final DenseMatrix weights;
        private final float[] importance;
        private final PackedMatrix target;
        private final Grid shared;
        /** One row each, {@code columns} long; NaN and infinities are 0 unless the format keeps them. */
        private final float[] w;

        private final float[] rounded;
        private final int[] codes;
        /** Null where rows go block by block. */
        private final RowRounder rounder;

        Rows(DenseMatrix weights, float[] importance, PackedMatrix target, Grid shared) {
            this.weights = weights;
            this.importance = importance;
            this.target = target;
            this.shared = shared;
            this.w = new float[weights.columns()];
            this.rounded = new float[weights.columns()];
            this.codes = new int[target.format().blockLength(weights.columns())];
            this.rounder = search ? null : target.format().rowRounder(weights.columns());
        }

        void solve(int from, int to, SolveStats stats) {
            BlockFormat format = target.format();
            long rowBytes = format.rowBytes(weights.columns());
            for (int row = from; row < to; row++) {
                weights.row(row, w);
                int nonfinite = Nonfinite.count(w);
                if (nonfinite > 0 && format.fitted()) {
                    Nonfinite.clear(w, w);
                }
                stats.fallbacks += rounder == null
                        ? solveRow(format, target.bytes(), row * rowBytes)
                        : rounder.round(w, rounded, target.bytes(), row * rowBytes);
                if (nonfinite > 0) {
                    Nonfinite.clear(w, rounded);
                    Nonfinite.clear(w, w);
                }
                stats.weights += w.length;
                stats.nonfinite += nonfinite;
                SquaredError.add(w, rounded, stats);
            }
        }

        private int solveRow(BlockFormat format, MemorySegment bytes, long offset) {
            int fallbacks = 0;
            for (int at = 0; at < w.length; at += codes.length) {
                int length = Math.min(codes.length, w.length - at);
                Grid grid = shared != null ? shared : fit(format, at, length);
                grid.nearest(w, at, length, codes);
                format.encode(grid, codes, length, bytes, offset);
                grid.values(codes, length, rounded, at);
                fallbacks += grid.fallbacks();
                offset += format.blockBytes(length);
            }
            return fallbacks;
        }

        private Grid fit(BlockFormat format, int at, int length) {
            return search ? format.search(w, at, length, importance, at) : format.fit(w, at, length);
        }
    }
}
