package org.bitscarp.quant.ggml;

import java.util.List;

/**
 * The types below four bits whose codes name points of a codebook of eight (or four) weights: {@code iq1_s} … {@code
 * iq3_s}. They can be read; writing them is a search over codebooks that is not done here.
 *
 * <p>All hold 256 weights in eight groups of 32.
 */
abstract class CodebookFormat extends GgmlFormat {
    static final int LENGTH = 256;
    static final int GROUPS = 8;

    CodebookFormat(int id, String name, int bytes) {
        super(id, name, LENGTH, bytes, List.of());
    }

    @Override
    public final boolean writable() {
        return false;
    }

    @Override
    abstract void decode(byte[] block, float[] w, int from);

    /** Writes {@code w[from, from+count)} = scale × point, negative where the sign bit of the position is set. */
    static void signed(byte[] book, int point, int count, int signs, float scale, float[] w, int from) {
        for (int i = 0; i < count; i++) {
            float value = scale * book[point * count + i];
            w[from + i] = (signs >> i & 1) != 0 ? -value : value;
        }
    }

    /** Eight signs from seven bits: the number of minus signs is even. */
    static int evenSigns(int seven) {
        return seven | (Integer.bitCount(seven) & 1) << 7;
    }

    private UnsupportedOperationException readOnly() {
        return new UnsupportedOperationException(
                name() + " can be read but not written; q2_k, q3_k and tq2_0 are the small types that can be written");
    }

    @Override
    final GgmlGrid read(byte[] block) {
        throw readOnly();
    }

    @Override
    final void write(GgmlGrid grid, byte[] block) {
        throw readOnly();
    }

    @Override
    final GgmlGrid fit(float[] x) {
        throw readOnly();
    }

    @Override
    final GgmlGrid search(float[] x, float[] importance) {
        throw readOnly();
    }
}
