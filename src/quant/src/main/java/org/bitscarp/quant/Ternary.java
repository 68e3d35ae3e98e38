package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Weights of −scale, 0 or +scale.
 *
 * <p>Bytes of a block: scale (FP16, little-endian), then five codes per byte in plain base 3: the byte is Σ (code_k +
 * 1) × 3^k over its codes k = 0 … 4 in order, missing codes of the last byte counting as digit 0. Bytes above 242 are
 * never written; on reading, digit k is (byte / 3^k) mod 3 whatever the byte.
 *
 * @param scope weights that share a scale: a group, a row, or the tensor (every row then stores the same scale)
 */
public record Ternary(BlockScope scope) implements BlockFormat {
    /** As for integers, so that levels differ in their codes only. */
    public static final BlockScope DEFAULT_SCOPE = BlockScope.group(128);

    private static final int PER_BYTE = 5;
    private static final int[] POWERS = {1, 3, 9, 27, 81};
    /** Codes of every byte, five each. */
    private static final byte[] CODES = codes();

    private static byte[] codes() {
        byte[] codes = new byte[256 * PER_BYTE];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) (i / PER_BYTE / POWERS[i % PER_BYTE] % 3 - 1);
        }
        return codes;
    }

    @Override
    public String name() {
        return scope.equals(DEFAULT_SCOPE) ? "ternary" : "ternary:" + scope;
    }

    @Override
    public boolean sharedGrid() {
        return scope.kind() == BlockScope.Kind.TENSOR;
    }

    @Override
    public int blockLength(int columns) {
        return scope.blockLength(columns);
    }

    @Override
    public int blockBytes(int length) {
        return HalfScale.BYTES + Math.ceilDiv(length, PER_BYTE);
    }

    /**
     * Absmean (Ma et al. 2024, "The Era of 1-bit LLMs", equations 1 to 3): γ = mean |w|, code = RoundClip(w / (γ + ε),
     * −1, 1). Here γ is rounded to FP16 first, and ε, which only avoids a division by zero, is 0: blocks of zeros are
     * handled by themselves. Fallbacks as for any FP16 scale.
     */
    @Override
    public Grid fit(float[] w, int from, int length) {
        double sum = 0;
        for (int i = from; i < from + length; i++) {
            sum += Math.abs(w[i]);
        }
        return TernaryGrid.of(sum / Math.max(1, length));
    }

    @Override
    public Grid search(float[] w, int from, int length, float[] importance, int importanceFrom) {
        return TernarySearch.block(w, from, length, importance, importanceFrom, (TernaryGrid) fit(w, from, length));
    }

    /** Absmean over the finite weights of the matrix. */
    @Override
    public Grid fitShared(DenseMatrix weights) {
        float[] w = new float[weights.columns()];
        double sum = 0;
        for (int row = 0; row < weights.rows(); row++) {
            weights.row(row, w);
            Nonfinite.clear(w, w);
            for (float x : w) {
                sum += Math.abs(x);
            }
        }
        return TernaryGrid.of(sum / Math.max(1, weights.size()));
    }

    @Override
    public Grid searchShared(DenseMatrix weights, float[] importance) {
        return TernarySearch.matrix(weights, importance, (TernaryGrid) fitShared(weights));
    }

    @Override
    public boolean refits() {
        return !sharedGrid();
    }

    @Override
    public Grid refit(Grid grid, int part, ScaleError error) {
        TernaryGrid now = (TernaryGrid) grid;
        float scale = HalfScale.round((float) (now.scale() + error.bestScale(0)));
        boolean better = scale > 0 && now.fallbacks() == 0 && error.change(scale - now.scale(), 0) < 0;
        return better ? new TernaryGrid(scale, 0) : now;
    }

    @Override
    public void encode(Grid grid, int[] codes, int length, MemorySegment target, long offset) {
        HalfScale.put(target, offset, ((TernaryGrid) grid).scale());
        long at = offset + HalfScale.BYTES;
        for (int i = 0; i < length; i += PER_BYTE) {
            int packed = 0;
            for (int k = Math.min(PER_BYTE, length - i) - 1; k >= 0; k--) {
                packed = 3 * packed + codes[i + k] + 1;
            }
            target.set(ValueLayout.JAVA_BYTE, at++, (byte) packed);
        }
    }

    @Override
    public void decode(MemorySegment source, long offset, int length, float[] w, int from) {
        float scale = HalfScale.get(source, offset);
        long at = offset + HalfScale.BYTES;
        for (int i = 0; i < length; i += PER_BYTE) {
            int first = (source.get(ValueLayout.JAVA_BYTE, at++) & 0xFF) * PER_BYTE;
            int count = Math.min(PER_BYTE, length - i);
            for (int k = 0; k < count; k++) {
                w[from + i + k] = scale * CODES[first + k];
            }
        }
    }

    @Override
    public String toString() {
        return name();
    }

    /** Reads {@code ternary} with {@code g<N>}, {@code row} or {@code tensor}. */
    static final class Family implements FormatFamily {
        @Override
        public List<String> words() {
            return List.of("ternary");
        }

        @Override
        public BlockFormat read(String word, Modifiers modifiers) {
            return word.equals("ternary") ? new Ternary(modifiers.scope(DEFAULT_SCOPE, "row", "tensor")) : null;
        }
    }
}
