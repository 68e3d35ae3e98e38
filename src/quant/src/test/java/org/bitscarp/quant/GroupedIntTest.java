package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GroupedIntTest {
    static final float[] GOLDEN_WEIGHTS = {
        0.75f, -0.3125f, 0.11f, -1.27f, 0.0f, 0.4999f, 2.03f, -0.055f, 0.21f, 0.33f, 0.017f, 0.9f, 0.45f, 0.6f, 0.125f,
        0.0625f
    };

    static PackedMatrix pack(String level, float[] w, int rows, int columns, SolveStats stats) {
        Level parsed = Level.parse(level);
        PackedMatrix packed = PackedMatrix.allocate(parsed.format(), rows, columns, Arena.ofAuto());
        parsed.solver().prepare(Weights.dense(w, rows, columns), null, packed).solve(0, rows, stats);
        return packed;
    }

    static String hex(PackedMatrix packed) {
        return HexFormat.of().formatHex(packed.bytes().toArray(ValueLayout.JAVA_BYTE), 0, (int) packed.byteSize());
    }

    /**
     * Bytes made with Python 3.11: the rule of {@link GroupedInt#fit} in doubles rounded to fp32 after each operation
     * ({@code struct} format f), scales rounded with format e, {@code round} half to even, codes as one long integer
     * Σ code_i · 2^(i·bits), little-endian.
     */
    @ParameterizedTest
    @CsvSource({
        "int4:g8:asym, 0a33065907866fae2b0064f0a812",
        "int4:g8:sym, 55347b38a88fae2fbaf8dc99",
        "int3:g8:asym, 8b3703d5307e1d30001ace06",
        "int3:g8:sym, a4381dc59e1d342d6f93",
        "int2:g8:asym, 663c011675cd3400c509",
        "int8:g8:asym, a022629c4a6b006289ff5e3a1b003c5e05ff80aa2312",
        "int5:g8:sym, 3130d64503e9876f2bd4c28fb58c",
    })
    void roundToNearestGivesTheBytesOfAnIndependentProgram(String level, String bytes) {
        assertEquals(bytes, hex(pack(level, GOLDEN_WEIGHTS, 1, 16, new SolveStats())));
    }

    /** The decoded values of the same program. */
    @Test
    void decodedValuesAreThoseOfAnIndependentProgram() {
        float[] w = new float[16];
        pack("int4:g8:asym", GOLDEN_WEIGHTS, 1, 16, new SolveStats()).decodeRow(0, w);
        assertArrayEquals(
                new float[] {
                    0.659912109375f, -0.219970703125f, 0.219970703125f, -1.31982421875f, 0.0f, 0.43994140625f,
                    1.979736328125f, 0.0f, 0.239990234375f, 0.3599853515625f, 0.0f, 0.89996337890625f,
                    0.47998046875f, 0.5999755859375f, 0.1199951171875f, 0.05999755859375f
                },
                w);
    }

    /** Bits per weight by hand: (16 + 8 + bits × group) / group, without the 8 when symmetric. */
    @ParameterizedTest
    @CsvSource({
        "int4, 4.1875",
        "int4:sym, 4.125",
        "int4:g64, 4.375",
        "int3, 3.1875",
        "int2:g32, 2.75",
        "int8, 8.1875",
        "int4:row, 4.0234375",
        "int4:g1, 32",
        "nf4, 4.25",
        "ternary, 1.75",
        "ternary:row, 1.6171875",
        "fp16, 16",
        "fp32, 32"
    })
    void bitsPerWeightAreMeasured(String level, double bits) {
        assertEquals(
                bits,
                PackedMatrix.allocate(Level.parse(level).format(), 3, 1024, Arena.ofAuto())
                        .bitsPerWeight());
    }

    @Test
    void zerosStayZeroWithoutFallback() {
        SolveStats stats = new SolveStats();
        float[] w = new float[64];
        pack("int4:g32", w, 1, 64, stats).decodeRow(0, w);
        assertArrayEquals(new float[64], w);
        assertEquals(0, stats.fallbacks);
        assertEquals(0, stats.relativeError());
    }

    @Test
    void scalesOutsideHalfPrecisionAreCounted() {
        SolveStats tooSmall = new SolveStats();
        float[] w = {1e-9f, -2e-9f, 0, 1e-9f};
        pack("int4:g4", w, 1, 4, tooSmall).decodeRow(0, w);
        assertArrayEquals(new float[4], w);
        assertEquals(1, tooSmall.fallbacks);

        SolveStats tooLarge = new SolveStats();
        float[] v = {3e38f, -3e38f, 0, 1e38f};
        pack("int4:g4", v, 1, 4, tooLarge).decodeRow(0, v);
        // The range overflows fp32; the scale is clamped and the zero point stays in the middle.
        assertArrayEquals(new float[] {7 * 65504f, -8 * 65504f, 0, 7 * 65504f}, v);
        assertEquals(1, tooLarge.fallbacks);
    }

    @Test
    void aZeroPointBeyondTheLastCodeIsClampedAndCounted() {
        // 15 codes over −1.4 × 2^−24 × 15: the scale rounds down from 1.4 to 1 smallest number, −lo / scale is 21.
        float[] w = {-1.4f * 15 * 0x1p-24f, 0};
        SolveStats stats = new SolveStats();
        pack("int4:g2", w, 1, 2, stats).decodeRow(0, w);
        assertArrayEquals(new float[] {-15 * 0x1p-24f, 0}, w);
        assertEquals(1, stats.fallbacks);
    }

    @Test
    void impossibleFormatsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new GroupedInt(1, BlockScope.ROW, true));
        assertThrows(IllegalArgumentException.class, () -> new GroupedInt(9, BlockScope.ROW, true));
        assertThrows(IllegalArgumentException.class, () -> new GroupedInt(4, BlockScope.TENSOR, true));
        assertThrows(IllegalArgumentException.class, () -> BlockScope.group(0));
    }
}
