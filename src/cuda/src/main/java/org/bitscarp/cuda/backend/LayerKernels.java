package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import org.bitscarp.compute.Activation;
import org.bitscarp.compute.AttentionShape;
import org.bitscarp.cuda.driver.Grid;

/** Launches of what happens inside a layer besides matrix products. Shapes have been checked. */
final class LayerKernels {
    /** Columns of a head that a thread's accumulators allow, by rows in a tile: {@code attention.cu}. */
    private static final int[][] TILES = {{32, 128}, {16, 256}, {8, 512}};

    private final Launcher launcher;

    LayerKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    void add(Lane lane, DeviceTensor x, DeviceTensor y) {
        long n = x.size();
        launcher.call(lane, "add", "add")
                .writes(x)
                .reads(y)
                .long64(n)
                .launch(launcher.striding((n + 3) / 4), Launcher.THREADS);
    }

    /** On n floats from the same place on in all three. */
    void addCompensated(Lane lane, DeviceTensor part, DeviceTensor sums, DeviceTensor low, long n) {
        launcher.call(lane, "add", "add_compensated")
                .writes(part)
                .writes(sums)
                .writes(low)
                .long64(n)
                .launch(launcher.striding(n), Launcher.THREADS);
    }

    void addBias(Lane lane, DeviceTensor x, DeviceTensor bias) {
        launcher.call(lane, "add", "add_bias")
                .writes(x)
                .reads(bias)
                .long64(x.size())
                .integer(x.columns())
                .launch(launcher.striding(x.size()), Launcher.THREADS);
    }

    void rmsNorm(Lane lane, DeviceTensor x, DeviceTensor gain, float epsilon, DeviceTensor y) {
        launcher.call(lane, "rms_norm", "rms_norm")
                .reads(x)
                .reads(gain)
                .float32(epsilon)
                .writes(y)
                .integer(x.columns())
                .launch(Grid.of(x.rows()), Launcher.rowThreads(x.columns()));
    }

    void layerNorm(Lane lane, DeviceTensor x, DeviceTensor gain, DeviceTensor bias, float epsilon, DeviceTensor y) {
        launcher.call(lane, "layer_norm", "layer_norm")
                .reads(x)
                .reads(gain)
                .reads(bias)
                .float32(epsilon)
                .writes(y)
                .integer(x.columns())
                .launch(Grid.of(x.rows()), Launcher.rowThreads(x.columns()));
    }

    void rope(Lane lane, DeviceTensor x, int headDim, DeviceTensor cos, DeviceTensor sin) {
        int heads = x.columns() / headDim;
        long n = (long) x.rows() * heads * cos.columns();
        launcher.call(lane, "rope", "rope")
                .writes(x)
                .reads(cos)
                .reads(sin)
                .long64(n)
                .integer(cos.rows())
                .integer(heads)
                .integer(headDim)
                .integer(cos.columns())
                .launch(launcher.striding(n), Launcher.THREADS);
    }

    void attention(Lane lane, DeviceTensor q, DeviceTensor k, DeviceTensor v, AttentionShape shape, DeviceTensor out) {
        int tile = tile(shape.headDim());
        int stride = (shape.headDim() + 3) / 4 * 4 + 4;
        int shared = 4 * (2 * tile * stride + tile * (tile + 1));
        launcher.call(lane, "attention", "attention_" + tile)
                .reads(q)
                .reads(k)
                .reads(v)
                .writes(out)
                .integer(shape.length())
                .integer(shape.heads())
                .integer(shape.kvHeads())
                .integer(shape.headDim())
                .float32(shape.scale())
                .float32(shape.softCap())
                .integer(shape.window())
                .launch(
                        new Grid((shape.length() + tile - 1) / tile, shape.heads(), q.rows() / shape.length()),
                        Launcher.THREADS,
                        shared);
    }

    private static int tile(int headDim) {
        for (int[] tile : TILES) {
            if (headDim <= tile[1]) {
                return tile[0];
            }
        }
        throw new IllegalArgumentException(
                "attention on a GPU takes heads of up to 512 columns, found " + headDim + "; use --device cpu");
    }

    void activate(Lane lane, Activation f, DeviceTensor x) {
        launcher.call(lane, "activate", "activate")
                .integer(f.ordinal())
                .writes(x)
                .long64(x.size())
                .launch(launcher.striding(x.size()), Launcher.THREADS);
    }

    void activateMultiply(Lane lane, Activation f, DeviceTensor gate, DeviceTensor up) {
        launcher.call(lane, "activate", "activate_multiply")
                .integer(f.ordinal())
                .writes(gate)
                .reads(up)
                .long64(gate.size())
                .launch(launcher.striding(gate.size()), Launcher.THREADS);
    }

    void softCap(Lane lane, DeviceTensor x, float cap) {
        launcher.call(lane, "soft_cap", "soft_cap")
                .writes(x)
                .float32(cap)
                .long64(x.size())
                .launch(launcher.striding(x.size()), Launcher.THREADS);
    }

    void roundToInt8(Lane lane, DeviceTensor x) {
        launcher.call(lane, "round_to_int8", "round_to_int8")
                .writes(x)
                .integer(x.columns())
                .launch(Grid.of(x.rows()), Launcher.rowThreads(x.columns()));
    }

    void gatherRows(Lane lane, DeviceTensor from, int[] rows, DeviceTensor to) {
        long index = lane.scratch(4L * rows.length);
        lane.upload(MemorySegment.ofArray(rows), index);
        launcher.call(lane, "rows", "gather_rows")
                .reads(from)
                .address(index)
                .writes(to)
                .integer(to.columns())
                .launch(Grid.of(rows.length), Launcher.rowThreads(to.columns()));
    }

    /** @param positions null for none */
    void placeTokens(Lane lane, DeviceTensor x, float scale, DeviceTensor positions, int first, int length) {
        Call call = launcher.call(lane, "rows", "place_tokens").writes(x).float32(scale);
        (positions == null ? call.address(0) : call.reads(positions))
                .integer(first)
                .integer(length)
                .integer(x.columns())
                .long64(x.size())
                .launch(launcher.striding(x.size()), Launcher.THREADS);
    }

    void addScaledRows(Lane lane, DeviceTensor x, int[] rows, float[] weights, DeviceTensor y) {
        long index = lane.scratch(8L * rows.length);
        long scales = index + 4L * rows.length;
        lane.upload(MemorySegment.ofArray(rows), index);
        lane.upload(MemorySegment.ofArray(weights), scales);
        boolean distinct = distinct(rows);
        Call call = launcher.call(lane, "rows", distinct ? "add_scaled_rows" : "add_scaled_rows_naive")
                .writes(x)
                .address(index)
                .address(scales)
                .reads(y);
        if (distinct) {
            call.integer(y.columns()).launch(Grid.of(rows.length), Launcher.rowThreads(y.columns()));
        } else {
            call.integer(rows.length)
                    .integer(y.columns())
                    .launch(Grid.covering(y.columns(), Launcher.THREADS), Launcher.THREADS);
        }
    }

    private static boolean distinct(int[] rows) {
        BitSet seen = new BitSet();
        for (int row : rows) {
            if (seen.get(row)) {
                return false;
            }
            seen.set(row);
        }
        return true;
    }
}
