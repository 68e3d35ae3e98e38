package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bitscarp.compute.Scores;
import org.bitscarp.cuda.driver.Grid;

/** Log-softmax statistics of slices of logits: the device sums a slice, {@link Scores} puts slices together. */
final class ScoreKernels {
    /** Bytes of {@code RowScore} in {@code row_score.cuh}: sum, cross, max, target, argmax, and 4 unused. */
    static final int ROW = 32;

    private final Launcher launcher;

    ScoreKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    void scoreReference(
            Lane lane, DeviceTensor logits, int firstToken, int[] targets, Scores scores, DeviceTensor exponentials) {
        int rows = logits.rows();
        long results = lane.scratch((ROW + 4L) * rows);
        long places = results + (long) ROW * rows;
        upload(lane, targets, firstToken, places);
        launcher.call(lane, "score", "score_reference")
                .reads(logits)
                .address(places)
                .writes(exponentials)
                .address(results)
                .integer(logits.columns())
                .launch(Grid.of(rows), Launcher.rowThreads(logits.columns()));
        take(lane, results, logits.columns(), firstToken, targets, scores, null);
    }

    void scoreAgainst(
            Lane lane,
            DeviceTensor referenceLogits,
            DeviceTensor exponentials,
            Scores reference,
            DeviceTensor logits,
            int firstToken,
            int[] targets,
            Scores scores) {
        int rows = logits.rows();
        long results = lane.scratch((ROW + 4L) * rows);
        long places = results + (long) ROW * rows;
        upload(lane, targets, firstToken, places);
        launcher.call(lane, "score", "score_against")
                .reads(logits)
                .address(places)
                .reads(referenceLogits)
                .reads(exponentials)
                .address(results)
                .integer(logits.columns())
                .launch(Grid.of(rows), Launcher.rowThreads(logits.columns()));
        take(lane, results, logits.columns(), firstToken, targets, scores, reference);
    }

    /** Targets as places in the slice; those outside it fail the kernel's bounds. */
    static void upload(Lane lane, int[] targets, int firstToken, long places) {
        int[] relative = new int[targets.length];
        for (int row = 0; row < relative.length; row++) {
            relative[row] = targets[row] < firstToken ? -1 : targets[row] - firstToken;
        }
        lane.upload(MemorySegment.ofArray(relative), places);
    }

    /**
     * Takes what the device found in a slice of {@code columns} tokens.
     *
     * @param results address of a {@code RowScore} for each row
     * @param reference what cross terms are taken against, or null
     */
    static void take(
            Lane lane, long results, int columns, int firstToken, int[] targets, Scores scores, Scores reference) {
        byte[] bytes = new byte[Math.multiplyExact(ROW, targets.length)];
        lane.download(results, MemorySegment.ofArray(bytes));
        ByteBuffer found = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        for (int row = 0; row < targets.length; row++) {
            int at = row * ROW;
            scores.addSlice(row, found.getFloat(at + 16), firstToken + found.getInt(at + 24), found.getDouble(at));
            if (targets[row] >= firstToken && targets[row] < firstToken + columns) {
                scores.setTarget(row, found.getFloat(at + 20));
            }
            if (reference != null) {
                scores.addCross(row, reference, found.getDouble(at + 8));
            }
        }
    }
}
