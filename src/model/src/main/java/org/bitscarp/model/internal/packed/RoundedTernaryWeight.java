package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.StoredFormat;

/**
 * Plain numbers that a BitNet model rounds to three values when it is used ({@code WeightQuant} of transformers' BitNet
 * integration; Ma et al. 2024, equations 1 to 3): with s = 1 / max(mean |w|, 1e−5), the weight is clamp(round(w·s), −1, 1) /
 * s, in the type of w. The mean is summed in double, in the order of rows, when the first row is read.
 */
final class RoundedTernaryWeight extends PackedWeight {
    private static final float SMALLEST_MEAN = 1e-5f;
    private static final long CHUNK = 1 << 18;

    private final Weight plain;
    private boolean known;
    private float scale;

    RoundedTernaryWeight(Weight plain) {
        super(
                plain.name(),
                plain.rows(),
                Math.toIntExact(plain.columns()),
                "ternary:tensor bitnet online",
                plain.byteSize());
        this.plain = plain;
    }

    private synchronized float scale() throws IOException {
        if (!known) {
            double sum = 0;
            int rows = (int) Math.max(1, Math.min(rows(), CHUNK / columns()));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment chunk = arena.allocate(4L * rows * in(), 4);
                for (long row = 0; row < rows(); row += rows) {
                    long n = Math.min(rows, rows() - row);
                    plain.read(row, n, chunk, 0);
                    for (long i = 0; i < n * in(); i++) {
                        sum += Math.abs(chunk.getAtIndex(ValueLayout.JAVA_FLOAT, i));
                    }
                }
            }
            scale = 1 / Math.max(SMALLEST_MEAN, (float) (sum / size()));
            known = true;
        }
        return scale;
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        float s = scale();
        float value = stored(1 / s, plain.format().orElseThrow());
        plain.read(firstRow, rows, target, offset);
        for (long at = offset; at < offset + 4 * rows * in(); at += 4) {
            double steps = Math.rint(target.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at) * s);
            float rounded = (float) Math.max(-1, Math.min(1, steps)) * value;
            target.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, rounded);
        }
    }

    /** The nearest value of the weight's type, for the types that models are computed in. */
    private static float stored(float value, StoredFormat format) {
        if (format == NumberFormat.FP16) {
            return Float.float16ToFloat(Float.floatToFloat16(value));
        }
        if (format == NumberFormat.BF16) {
            int bits = Float.floatToRawIntBits(value);
            return Float.isNaN(value) ? value : Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
        }
        return value;
    }
}
