package org.bitscarp.compute.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.compute.AttentionShape;

/**
 * Causal attention in blocks of query rows: scores of a block against the keys up to its last row, softmax, mix.
 *
 * <p>Floor: 2·length·headDim multiply-adds per query and head, half of that by causality; a block of B rows computes B/2
 * keys per query too many. 128 rows waste 12 % at 512 tokens and keep both products efficient. With a sliding window of w
 * keys, a block begins at the first key that its first row sees, so that a row costs at most w + B keys.
 */
public final class Attention {
    private static final int BLOCK = 128;

    private final Gemm gemm;
    private final ThreadLocal<Buffer> buffers = ThreadLocal.withInitial(Buffer::new);

    public Attention(Gemm gemm) {
        this.gemm = gemm;
    }

    public void run(HostTensor q, HostTensor k, HostTensor v, AttentionShape shape, HostTensor out) {
        int widest = shape.window() == 0
                ? shape.length()
                : (int) Math.min(shape.length(), (long) shape.window() + BLOCK - 1);
        MemorySegment scores = buffers.get().atLeast((long) Math.min(BLOCK, shape.length()) * widest);
        for (int window = 0; window < q.rows(); window += shape.length()) {
            for (int head = 0; head < shape.heads(); head++) {
                for (int block = 0; block < shape.length(); block += BLOCK) {
                    int rows = Math.min(BLOCK, shape.length() - block);
                    block(q, k, v, shape, out, scores, window, head, block, rows);
                }
            }
        }
    }

    private void block(
            HostTensor q,
            HostTensor k,
            HostTensor v,
            AttentionShape shape,
            HostTensor out,
            MemorySegment scores,
            int window,
            int head,
            int block,
            int rows) {
        int d = shape.headDim();
        int kvColumn = head / (shape.heads() / shape.kvHeads()) * d;
        int firstKey = shape.firstVisible(block);
        int keys = block + rows - firstKey;
        Gemm.Panel s = new Gemm.Panel(scores, 0, keys);
        gemm.multiply(
                rows,
                keys,
                d,
                new Gemm.Panel(q, window + block, head * d),
                new Gemm.Panel(k, window + firstKey, kvColumn),
                true,
                s);
        float[] inverseSums = new float[rows];
        for (int row = 0; row < rows; row++) {
            int first = shape.firstVisible(block + row) - firstKey;
            int visible = block + row + 1 - firstKey - first;
            inverseSums[row] = (float) (1 / softmax(scores, (long) row * keys, first, visible, keys, shape));
        }
        gemm.multiply(
                rows,
                d,
                keys,
                s,
                new Gemm.Panel(v, window + firstKey, kvColumn),
                false,
                new Gemm.Panel(out, window + block, head * d));
        // Dividing d mixed values a row is less than dividing up to `keys` probabilities.
        for (int row = 0; row < rows; row++) {
            long at = (long) (window + block + row) * out.columns() + head * d;
            VectorOps.scale(out.data(), at, inverseSums[row], d);
        }
    }

    /**
     * Softmax of the {@code visible} scores from {@code first} on, of {@code keys} in all, without the division by the sum,
     * which it returns; the other scores become 0.
     */
    private static double softmax(
            MemorySegment scores, long at, int first, int visible, int keys, AttentionShape shape) {
        float scale = shape.scale();
        if (shape.softCap() != 0) {
            ActivationOps.softCap(scores, at + first, scale, shape.softCap(), visible);
            scale = 1;
        }
        float max = VectorOps.max(scores, at + first, visible) * scale;
        double sum = VectorOps.exponentials(scores, at + first, scale, max, scores, at + first, visible);
        scores.asSlice(4 * at, 4L * first).fill((byte) 0);
        int behind = first + visible;
        scores.asSlice(4 * (at + behind), 4L * (keys - behind)).fill((byte) 0);
        return sum;
    }

    /** The scores of one block, of the calling thread; grows, freed with the thread. */
    private static final class Buffer {
        /** Keeps the memory below alive. */
        private Arena arena;

        private MemorySegment data;

        MemorySegment atLeast(long floats) {
            if (data == null || data.byteSize() < 4 * floats) {
                arena = Arena.ofAuto();
                data = HostMemory.allocate(arena, floats);
            }
            return data;
        }
    }
}
