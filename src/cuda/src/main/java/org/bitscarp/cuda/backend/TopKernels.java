package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bitscarp.compute.TopTokens;
import org.bitscarp.cuda.driver.Grid;

/** The most likely tokens of slices of logits: a few words of each row come to the host instead of the slice. */
final class TopKernels {
    /** Bytes of the tokens of a row: {@code Token} in {@code ranked.cuh} is a logit and its place in the slice. */
    static final int ROW = TopTokens.COUNT * 8;

    private final Launcher launcher;

    TopKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    void keep(Lane lane, DeviceTensor logits, int firstToken, TopTokens top) {
        long found = lane.scratch(Math.multiplyExact(ROW, logits.rows()));
        launcher.call(lane, "top_tokens", "top_tokens")
                .reads(logits)
                .address(found)
                .integer(logits.columns())
                .launch(Grid.of(logits.rows()), Launcher.rowThreads(logits.columns()));
        take(lane, found, logits.rows(), firstToken, top);
    }

    /** Takes the tokens that the device found in a slice, {@link #ROW} bytes for each row at {@code found}. */
    static void take(Lane lane, long found, int rows, int firstToken, TopTokens top) {
        byte[] bytes = new byte[Math.multiplyExact(ROW, rows)];
        lane.download(found, MemorySegment.ofArray(bytes));
        ByteBuffer tokens = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        for (int row = 0; row < rows; row++) {
            for (int rank = 0; rank < TopTokens.COUNT; rank++) {
                float logit = tokens.getFloat();
                int place = tokens.getInt();
                if (place >= 0) {
                    top.offer(row, logit, firstToken + place);
                }
            }
        }
    }
}
