package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Integers of 2 to 8 bits on an evenly spaced grid: value = scale × (code − zero).
 *
 * <p>Bytes of a block: scale (FP16, little-endian), zero point (one byte, asymmetric grids only), codes (a
 * {@link CodeBits} stream, padded to a byte). A zero point of B bits padded to a byte costs what a whole byte costs.
 *
 * <p>Symmetric grids have the fixed zero point 2^(B−1), which leaves one code more below zero than above. At 2 bits
 * that is one positive value against two negative ones, at 3 bits three against four: the code is wasted on blocks
 * whose tail lies on the other side, so asymmetric is the default.
 *
 * @param bits width of a code, 2 to 8
 * @param scope weights that share a scale: a group or a row
 * @param symmetric whether the zero point is fixed
 */
public record GroupedInt(int bits, BlockScope scope, boolean symmetric) implements BlockFormat {
    /** The usual group size of weight-only quantization since GPTQ. */
    public static final BlockScope DEFAULT_SCOPE = BlockScope.group(128);

    public GroupedInt {
        if (bits < 2 || bits > 8) {
            throw new IllegalArgumentException("integers of 2 to 8 bits, found " + bits);
        }
        if (scope.kind() == BlockScope.Kind.TENSOR) {
            throw new IllegalArgumentException("int" + bits + " has a scale for each group or row, not for the tensor");
        }
    }

    @Override
    public String name() {
        return "int" + bits + (scope.equals(DEFAULT_SCOPE) ? "" : ":" + scope) + (symmetric ? ":sym" : "");
    }

    /** The largest code, 2^B − 1. */
    int maxCode() {
        return (1 << bits) - 1;
    }

    @Override
    public int blockLength(int columns) {
        return scope.blockLength(columns);
    }

    @Override
    public int blockBytes(int length) {
        return Math.addExact(codesAt(), CodeBits.bytes(bits, length));
    }

    private int codesAt() {
        return symmetric ? HalfScale.BYTES : HalfScale.BYTES + 1;
    }

    /**
     * Round-to-nearest as published with GPTQ (Frantar et al. 2022, the reference code's {@code Quantizer}), in fp32:
     * lo = min(0, min w), hi = max(0, max w), symmetric hi = max |w| = −lo; scale = fp16((hi − lo) / (2^B − 1)); zero =
     * round(−lo / scale), symmetric 2^(B−1). Ties round to even.
     *
     * <p>Fallbacks: a scale beyond ±65504 is clamped there and the zero point taken from the unrounded range; a scale
     * below FP16's smallest number becomes 0 and with it all weights of the block.
     */
    @Override
    public Grid fit(float[] w, int from, int length) {
        float lo = 0;
        float hi = 0;
        for (int i = from; i < from + length; i++) {
            lo = Math.min(lo, w[i]);
            hi = Math.max(hi, w[i]);
        }
        if (symmetric) {
            hi = Math.max(-lo, hi);
            lo = -hi;
        }
        float wanted = (hi - lo) / maxCode();
        float scale = HalfScale.round(wanted);
        boolean overflow = HalfScale.overflows(wanted);
        int fallbacks = overflow || (scale == 0 && hi > lo) ? 1 : 0;
        int zero;
        if (symmetric) {
            zero = 1 << (bits - 1);
        } else if (scale == 0) {
            zero = 0;
        } else if (overflow) {
            zero = (int) Math.rint(maxCode() * (-(double) lo / ((double) hi - lo)));
        } else {
            // Next to FP16's smallest number a scale rounds by up to a third, and −lo / scale can exceed the last code.
            int exact = (int) Math.rint(-lo / scale);
            zero = Math.min(exact, maxCode());
            fallbacks += exact == zero ? 0 : 1;
        }
        return new IntGrid(scale, zero, maxCode(), fallbacks);
    }

    @Override
    public Grid search(float[] w, int from, int length, float[] importance, int importanceFrom) {
        return new IntSearch(this, w, from, length, importance, importanceFrom).best((IntGrid) fit(w, from, length));
    }

    @Override
    public boolean refits() {
        return true;
    }

    /** The best scale for the zero point as it is, and for both of its neighbours where it is not fixed. */
    @Override
    public Grid refit(Grid grid, int part, ScaleError error) {
        IntGrid now = (IntGrid) grid;
        if (now.scale() == 0 || now.fallbacks() > 0) {
            return grid;
        }
        int reach = symmetric ? 0 : 1;
        IntGrid best = now;
        double least = 0;
        for (int zero = Math.max(0, now.zero() - reach); zero <= Math.min(maxCode(), now.zero() + reach); zero++) {
            int shift = zero - now.zero();
            float scale = HalfScale.round((float) (now.scale() + error.bestScaleOfShifted(now.scale(), shift)));
            double change = error.change(scale - now.scale(), -shift * scale);
            if (change < least && scale != 0 && (symmetric || scale > 0)) {
                least = change;
                best = new IntGrid(scale, zero, maxCode(), now.fallbacks());
            }
        }
        return best;
    }

    @Override
    public void encode(Grid grid, int[] codes, int length, MemorySegment target, long offset) {
        IntGrid parameters = (IntGrid) grid;
        HalfScale.put(target, offset, parameters.scale());
        if (!symmetric) {
            target.set(ValueLayout.JAVA_BYTE, offset + HalfScale.BYTES, (byte) parameters.zero());
        }
        CodeBits.pack(bits, codes, length, target, offset + codesAt());
    }

    @Override
    public void decode(MemorySegment source, long offset, int length, float[] w, int from) {
        float scale = HalfScale.get(source, offset);
        int zero = symmetric ? 1 << (bits - 1) : source.get(ValueLayout.JAVA_BYTE, offset + HalfScale.BYTES) & 0xFF;
        CodeBits.unpack(bits, source, offset + codesAt(), length, scale, zero, w, from);
    }

    @Override
    public String toString() {
        return name();
    }

    /** Reads {@code int2} … {@code int8} with {@code g<N>} or {@code row}, and {@code asym} or {@code sym}. */
    static final class Family implements FormatFamily {
        @Override
        public List<String> words() {
            return IntStream.rangeClosed(2, 8).mapToObj(bits -> "int" + bits).toList();
        }

        @Override
        public BlockFormat read(String word, Modifiers modifiers) {
            if (!word.matches("int-?\\d+")) {
                return null;
            }
            if (!words().contains(word)) {
                throw new LevelException("\"" + word + "\": integer levels have 2 to 8 bits, int2 to int8"
                        + (word.equals("int1") ? "; the next step down from int2 is ternary" : ""));
            }
            BlockScope scope = modifiers.scope(DEFAULT_SCOPE, "row");
            boolean symmetric = modifiers.choice("asym", "sym").equals("sym");
            return new GroupedInt(word.charAt(3) - '0', scope, symmetric);
        }
    }
}
