package org.bitscarp.quant.ggml;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.HalfScale;
import org.bitscarp.quant.Lanes;
import org.bitscarp.quant.MiniFloat;
import org.bitscarp.quant.ScaleError;

/**
 * A block type of GGUF files, as in llama.cpp's {@code ggml-common.h} (layouts) and {@code ggml-quants.c} (rules), tag
 * v0.5.0.
 *
 * <p>Decoding gives the floats of the reference code bit for bit. {@link #fit} and rounding to nearest give the bytes
 * that the reference quantizer writes without an importance matrix, {@code ggml_quantize_chunk} compiled without
 * contraction to fused multiply-adds, for finite weights up to {@link #largest()}; beyond that weights saturate and the
 * block counts as a fallback. There are no short blocks.
 */
public abstract class GgmlFormat implements BlockFormat {
    private final int id;
    private final String name;
    private final int length;
    private final int bytes;
    private final List<Plane> planes;

    /**
     * @param id GGUF's number for the type
     * @param length weights in a block
     * @param bytes bytes of a block
     * @param planes where the codes lie; empty where a subclass packs them itself
     */
    GgmlFormat(int id, String name, int length, int bytes, List<Plane> planes) {
        this.id = id;
        this.name = name;
        this.length = length;
        this.bytes = bytes;
        this.planes = planes;
    }

    /** The type's number in GGUF files. */
    public final int id() {
        return id;
    }

    /** The type's name in lower case, e.g. {@code q4_k}. */
    @Override
    public final String name() {
        return name;
    }

    /** Weights in a block. */
    public final int blockLength() {
        return length;
    }

    /** Bytes of a block. */
    public final int blockBytes() {
        return bytes;
    }

    /** Whether weights can be stored, too; types that are only read throw from {@link #fit} and {@link #search}. */
    public boolean writable() {
        return true;
    }

    /** The largest magnitude that a block can hold without saturating. */
    float largest() {
        return MiniFloat.FP16.maxValue();
    }

    @Override
    public final boolean supports(int columns) {
        return columns % length == 0;
    }

    @Override
    public final int blockLength(int columns) {
        return length;
    }

    /** @throws IllegalArgumentException unless it is the whole block */
    @Override
    public final int blockBytes(int count) {
        if (count != length) {
            throw new IllegalArgumentException(
                    name + " has blocks of " + length + " weights only, found a block of " + count);
        }
        return bytes;
    }

    @Override
    public final Grid fit(float[] w, int from, int count) {
        blockBytes(count);
        float[] x = Arrays.copyOfRange(w, from, from + count);
        int saturated = saturate(x);
        return counted(fit(x), x, saturated);
    }

    @Override
    public final Grid search(float[] w, int from, int count, float[] importance, int importanceFrom) {
        blockBytes(count);
        float[] x = Arrays.copyOfRange(w, from, from + count);
        float[] h = new float[count];
        if (importance == null) {
            Arrays.fill(h, 1);
        } else {
            System.arraycopy(importance, importanceFrom, h, 0, count);
        }
        int saturated = saturate(x);
        GgmlGrid published = fit(x);
        return counted(GgmlGrid.better(published, search(x, h), x, h), x, saturated);
    }

    private int saturate(float[] x) {
        float bound = largest();
        if (Lanes.FAST && within(x, bound)) {
            return 0;
        }
        int saturated = 0;
        for (int i = 0; i < x.length; i++) {
            float clamped = Math.max(-bound, Math.min(bound, x[i]));
            saturated |= clamped != x[i] ? 1 : 0;
            x[i] = clamped;
        }
        return saturated;
    }

    /** Whether no magnitude is beyond a bound; blocks are whole vectors. */
    private static boolean within(float[] x, float bound) {
        FloatVector largest = FloatVector.zero(AffineGrid.FLOATS);
        for (int i = 0; i < x.length; i += Lanes.COUNT) {
            FloatVector magnitude =
                    FloatVector.fromArray(AffineGrid.FLOATS, x, i).abs();
            largest = largest.blend(magnitude, magnitude.compare(VectorOperators.GT, largest));
        }
        return !largest.compare(VectorOperators.GT, bound).anyTrue();
    }

    private static GgmlGrid counted(GgmlGrid grid, float[] x, int saturated) {
        boolean vanished = false;
        if (grid.flat()) {
            for (int i = 0; i < x.length; i++) {
                vanished |= x[i] != 0 && grid.value(i, grid.nearest(i, x[i])) == 0;
            }
        }
        grid.fallbacks = saturated + (vanished ? 1 : 0);
        return grid;
    }

    /** Grids with fallbacks stay as they are. */
    @Override
    public final Grid refit(Grid grid, int part, ScaleError error) {
        return grid.fallbacks() > 0 ? grid : refit((GgmlGrid) grid, part, error);
    }

    /** {@link #refit(Grid, int, ScaleError)} where {@link #refits()}. */
    GgmlGrid refit(GgmlGrid grid, int part, ScaleError error) {
        return grid;
    }

    /** The nearest FP16 number to the best scale; 0 where the old one is better, or it is 0. */
    static float refittedHalf(float scale, ScaleError error) {
        float moved = HalfScale.round((float) (scale + error.bestScale(0)));
        return error.change(moved - scale, 0) < 0 ? moved : 0;
    }

    @Override
    public final void encode(Grid grid, int[] codes, int count, MemorySegment target, long offset) {
        byte[] block = new byte[blockBytes(count)];
        write((GgmlGrid) grid, block);
        pack(codes, block, 0);
        MemorySegment.copy(block, 0, target, ValueLayout.JAVA_BYTE, offset, bytes);
    }

    @Override
    public void decode(MemorySegment source, long offset, int count, float[] w, int from) {
        byte[] block = new byte[blockBytes(count)];
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, offset, block, 0, bytes);
        decode(block, w, from);
    }

    /** Decodes one block of {@link #blockBytes()} bytes into {@code w[from, from + blockLength())}. */
    void decode(byte[] block, float[] w, int from) {
        int[] codes = new int[length];
        unpack(block, codes);
        read(block).values(codes, length, w, from);
    }

    /** The codes of a block, into zeroed {@code codes}. */
    void unpack(byte[] block, int[] codes) {
        for (Plane plane : planes) {
            plane.unpack(block, codes, length);
        }
    }

    /** Adds the codes to the block that begins at {@code bytes[at]}, whose code bytes are 0. */
    void pack(int[] codes, byte[] bytes, int at) {
        for (Plane plane : planes) {
            plane.pack(codes, length, bytes, at);
        }
    }

    /** The grid that a block's parameters describe, good for {@link Grid#value}. */
    abstract GgmlGrid read(byte[] block);

    /** Stores a grid's parameters in a zeroed block. */
    abstract void write(GgmlGrid grid, byte[] block);

    /** The reference quantizer's grid for a block of finite weights up to {@link #largest()}. */
    abstract GgmlGrid fit(float[] x);

    /** A grid with a small sum of importance × squared error for such a block; the importance is never null. */
    abstract GgmlGrid search(float[] x, float[] importance);

    @Override
    public final String toString() {
        return name;
    }
}
