package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import org.bitscarp.compute.LogitScorer;
import org.bitscarp.compute.Operands;
import org.bitscarp.compute.Scores;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.compute.TopTokens;
import org.bitscarp.cuda.driver.Grid;

/**
 * Logits that are scored in the kernel that multiplies them: {@code logits.cuh}. A level's logits never reach the device's
 * memory; those of the reference do, a tile at a time, where levels follow that are compared with them.
 */
final class FusedLogits implements LogitScorer {
    /**
     * Entries of the vocabulary at a time: 64 MiB of a reference's logits for 2048 rows. Each tile costs each level a transfer
     * of its hidden states, far more time than it takes to read the kept logits from the device's memory.
     */
    static final int WIDTH = 8192;
    /** Rows and columns of a block's tile in {@code logits.cuh}, and its threads. */
    private static final int TILE = 128;

    private static final int THREADS = 256;

    private final Launcher launcher;
    private final TensorCores cores;
    private final DenseType type;
    private final int rows;
    private final int width;
    /** The reference's logits of the tile and what they came to, or null without levels. */
    private final DeviceTensor kept;

    private final DeviceTensor keptScores;

    /** @param type fp32, or one of tensor cores on a device that has them */
    FusedLogits(Launcher launcher, DenseType type, TensorMemory memory, int rows, int vocabulary, boolean levels) {
        this.launcher = launcher;
        this.type = type;
        this.rows = rows;
        cores = new TensorCores(launcher, launcher.multiprocessors());
        width = Math.min(WIDTH, vocabulary);
        kept = levels ? DeviceTensor.of(memory.allocate(rows, pitch(width))) : null;
        keptScores = levels ? DeviceTensor.of(memory.allocate(rows, ScoreKernels.ROW / Float.BYTES)) : null;
    }

    /** Floats from one row of kept logits to the next, so that each begins at a multiple of 16 bytes. */
    private static int pitch(int columns) {
        return Math.ceilDiv(columns, 4) * 4;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public void reference(Logits logits, Tile tile, Scores scores, TopTokens top) {
        run(logits, tile, scores, null, top);
    }

    @Override
    public void against(Logits logits, Tile tile, Scores reference, Scores scores, TopTokens top) {
        if (kept == null) {
            throw new IllegalStateException("this scorer was made for a reference alone");
        }
        run(logits, tile, scores, reference, top);
    }

    private void run(Logits logits, Tile tile, Scores scores, Scores reference, TopTokens top) {
        Operands.requireLogits(logits, tile, rows, width);
        if (logits.x().rows() > 0 && logits.head().rows() > 0) {
            launcher.queue.run(lane -> run(lane, logits, tile, scores, reference, top));
        }
    }

    private void run(Lane lane, Logits logits, Tile tile, Scores scores, Scores reference, TopTokens top) {
        DeviceTensor x = DeviceTensor.of(logits.x());
        DeviceTensor head = DeviceTensor.of(logits.head());
        Room room = new Room(lane, x, head);
        ScoreKernels.upload(lane, tile.targets(), tile.firstToken(), room.targets);
        if (top != null) {
            float[] least = new float[x.rows()];
            for (int row = 0; row < least.length; row++) {
                least[row] = top.least(row);
            }
            lane.upload(MemorySegment.ofArray(least), room.least);
        }
        Call call = operands(lane, x, head, room)
                .float32(logits.softCap())
                .address(room.targets)
                .address(top == null ? 0 : room.least);
        // What a reference leaves behind, or what a level finds.
        if (kept == null) {
            call.address(0).address(0).address(0);
        } else if (reference == null) {
            call.writes(kept).address(0).address(0);
        } else {
            call.address(0).reads(kept).reads(keptScores);
        }
        call.integer(pitch(head.rows()))
                .address(room.parts)
                .address(room.best)
                .launch(Grid.of(room.tiles, Math.ceilDiv(x.rows(), TILE)), THREADS);
        Call rowCall = launcher.call(lane, "logit_rows", "logit_rows")
                .address(room.parts)
                .address(top == null ? 0 : room.best)
                .address(room.targets)
                .integer(x.rows())
                .integer(room.tiles);
        boolean keeps = kept != null && reference == null;
        (keeps ? rowCall.writes(keptScores) : rowCall.address(room.scores))
                .address(top == null ? 0 : room.tokens)
                .launch(Grid.of(Math.ceilDiv(x.rows(), THREADS / 32)), THREADS);
        long results = keeps ? keptScores.address() : room.scores;
        ScoreKernels.take(lane, results, head.rows(), tile.firstToken(), tile.targets(), scores, reference);
        if (top != null) {
            TopKernels.take(lane, room.tokens, x.rows(), tile.firstToken(), top);
        }
    }

    /** The kernel's product: fp32 tensors as they are, others rounded first. */
    private Call operands(Lane lane, DeviceTensor x, DeviceTensor head, Room room) {
        if (type == DenseType.FP32) {
            return launcher.call(lane, "logits_fp32", "logits_fp32")
                    .reads(x)
                    .reads(head)
                    .integer(x.rows())
                    .integer(head.rows())
                    .integer(x.columns());
        }
        TensorCores.Operand left = cores.convert(lane, x, type, room.x);
        TensorCores.Operand right = cores.convert(lane, head, type, room.head);
        return launcher.call(lane, "logits_mma", "logits_" + type.word())
                .address(left.address())
                .long64(left.stride())
                .address(right.address())
                .long64(right.stride())
                .integer(left.rows())
                .integer(right.rows())
                .integer(left.chunks());
    }

    /** Where things lie in the lane's memory, those of 16 bytes and more first. */
    private final class Room {
        final int tiles;
        final long x;
        final long head;
        final long parts;
        final long best;
        final long scores;
        final long tokens;
        final long targets;
        final long least;

        Room(Lane lane, DeviceTensor left, DeviceTensor right) {
            long m = left.rows();
            tiles = Math.ceilDiv(right.rows(), TILE);
            boolean rounded = type != DenseType.FP32;
            long leftBytes = rounded ? TensorCores.convertedBytes(type, m, left.columns()) : 0;
            long rightBytes = rounded ? TensorCores.convertedBytes(type, right.rows(), left.columns()) : 0;
            long perPart = ScoreKernels.ROW + TopKernels.ROW;
            x = lane.scratch(leftBytes + rightBytes + m * (tiles + 1) * perPart + 8 * m);
            head = x + leftBytes;
            parts = head + rightBytes;
            scores = parts + m * tiles * ScoreKernels.ROW;
            best = scores + m * ScoreKernels.ROW;
            tokens = best + m * tiles * TopKernels.ROW;
            targets = tokens + m * TopKernels.ROW;
            least = targets + 4 * m;
        }
    }
}
