package org.bitscarp.quant.ggml;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.Weights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What every block type that can be written promises beside its bytes. */
class GgmlFormatTest {
    static List<GgmlFormat> writable() {
        return GgmlTypes.ALL.stream().filter(GgmlFormat::writable).toList();
    }

    private static List<float[]> blocks(int length) {
        List<float[]> blocks = new ArrayList<>();
        for (Weights kind : Weights.values()) {
            blocks.add(kind.block(length, 31 * length + kind.ordinal()));
        }
        blocks.add(new float[length]);
        float[] hostile = {0, -0f, Float.MIN_VALUE, -1e-42f, 1e-8f, 1e38f, -3.4e38f, Float.MAX_VALUE, 1, -65504, 3e-5f};
        float[] mixed = new float[length];
        float[] faint = Weights.GAUSSIAN.block(length, 5);
        float[] fainter = Weights.GAUSSIAN.block(length, 6);
        for (int i = 0; i < length; i++) {
            mixed[i] = hostile[i * 5 % hostile.length];
            faint[i] *= 1e-6f;
            fainter[i] *= 1e-37f;
        }
        blocks.addAll(List.of(mixed, faint, fainter));
        return blocks;
    }

    private static List<Grid> grids(GgmlFormat format, float[] x) {
        float[] importance = Weights.importance(x.length, 8);
        return List.of(
                format.fit(x, 0, x.length),
                format.search(x, 0, x.length, null, 0),
                format.search(x, 0, x.length, importance, 0),
                format.search(x, 0, x.length, new float[x.length], 0));
    }

    /** Packed bytes decode to exactly the grid's finite values, and nothing outside the block is written. */
    @ParameterizedTest
    @MethodSource("writable")
    void packedBlocksDecodeToTheGridsValues(GgmlFormat format) {
        int length = format.blockLength();
        for (float[] x : blocks(length)) {
            for (Grid grid : grids(format, x)) {
                int[] codes = new int[length];
                grid.nearest(x, 0, length, codes);
                MemorySegment memory = Arena.ofAuto().allocate(3L + format.blockBytes() + 5);
                memory.fill((byte) 0xA5);
                format.encode(grid, codes, length, memory, 3);
                float[] decoded = new float[length + 2];
                format.decode(memory, 3, length, decoded, 1);
                for (int i = 0; i < length; i++) {
                    float expected = grid.value(i, codes[i]);
                    assertTrue(Float.isFinite(expected), format + " made " + expected + " of " + x[i]);
                    assertEquals(
                            Float.floatToRawIntBits(expected), Float.floatToRawIntBits(decoded[1 + i]), format.name());
                }
                assertEquals(0, decoded[0]);
                assertEquals(0, decoded[length + 1]);
                for (long i = 0; i < memory.byteSize(); i++) {
                    if (i < 3 || i >= 3 + format.blockBytes()) {
                        assertEquals((byte) 0xA5, memory.get(ValueLayout.JAVA_BYTE, i), "guard byte " + i);
                    }
                }
            }
        }
    }

    /** What error feedback hands back may be anything: it rounds to a code that can be packed. */
    @ParameterizedTest
    @MethodSource("writable")
    void everyWeightHasACode(GgmlFormat format) {
        int length = format.blockLength();
        float[] x = Weights.OUTLIERS.block(length, 12);
        float[] wild = new float[length];
        float[] pattern = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e38f, -1e38f, -0f, 1, -1};
        float[] clamped = new float[length];
        for (int i = 0; i < length; i++) {
            wild[i] = pattern[i % pattern.length];
            clamped[i] = wild[i] != wild[i] ? 0 : Math.clamp(wild[i], -100f, 100f);
        }
        for (Grid grid : grids(format, x)) {
            int[] codes = new int[length];
            int[] expected = new int[length];
            grid.nearest(wild, 0, length, codes);
            grid.nearest(clamped, 0, length, expected);
            assertArrayEquals(expected, codes, format.name());
            byte[] block = new byte[format.blockBytes()];
            format.encode(grid, codes, length, MemorySegment.ofArray(block), 0);
            float[] decoded = new float[length];
            format.decode(MemorySegment.ofArray(block), 0, length, decoded, 0);
            for (int i = 0; i < length; i++) {
                assertEquals(grid.value(i, codes[i]), decoded[i], format.name());
            }
        }
    }

    /** The bulk path of rounding gives the codes of the scalar path, also at ties and for NaN and infinities. */
    @ParameterizedTest
    @MethodSource("writable")
    void bulkRoundingIsScalarRounding(GgmlFormat format) {
        int length = format.blockLength();
        for (float[] x : blocks(length)) {
            for (Grid grid : grids(format, x)) {
                int[] codes = new int[length];
                grid.nearest(x, 0, length, codes);
                float[] w = new float[length];
                for (int i = 0; i < length; i++) {
                    float value = grid.value(i, codes[i]);
                    float tie = value / 2 + grid.value(i, codes[(i + 1) % length]) / 2;
                    w[i] = switch (i % 6) {
                        case 0 -> x[i];
                        case 1 -> tie;
                        case 2 -> Math.nextUp(tie);
                        case 3 -> Math.nextDown(tie);
                        case 4 -> new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}[i / 6 % 3];
                        default -> -0f;
                    };
                }
                grid.nearest(w, 0, length, codes);
                for (int i = 0; i < length; i++) {
                    assertEquals(grid.nearest(i, w[i]), codes[i], format + ": " + w[i]);
                }
            }
        }
    }

    /** No code of the sub-block lies nearer, half steps and the rounding of the scale to FP16 aside. */
    @ParameterizedTest
    @MethodSource("writable")
    void theNearestCodeIsTaken(GgmlFormat format) {
        int length = format.blockLength();
        float[] x = Weights.HEAVY_TAILED.block(length, 17);
        for (Grid grid : grids(format, x)) {
            int[] codes = new int[length];
            grid.nearest(x, 0, length, codes);
            int last = switch (format.name()) {
                case "q1_0" -> 1;
                case "tq1_0", "tq2_0" -> 2;
                case "q2_0", "q2_k" -> 3;
                case "q3_k" -> 7;
                case "q5_0", "q5_1", "q5_k" -> 31;
                case "q6_k" -> 63;
                case "q8_0" -> 127;
                default -> 15;
            };
            for (int i = 0; i < length; i++) {
                float found = Math.abs(grid.value(i, codes[i]) - x[i]);
                for (int code = format.name().equals("q8_0") ? -127 : 0; code <= last; code++) {
                    float other = Math.abs(grid.value(i, code) - x[i]);
                    assertTrue(
                            found <= other + 1e-3f * Math.abs(x[i]),
                            format + ": " + x[i] + " was taken to " + codes[i] + ", not to " + code);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("writable")
    void searchIsNeverWorseThanThePublishedRule(GgmlFormat format) {
        int length = format.blockLength();
        for (float[] x : blocks(length)) {
            float[] finite = x.clone();
            for (int i = 0; i < length; i++) {
                finite[i] = Math.clamp(finite[i], -60000f, 60000f);
            }
            for (float[] h : List.of(Weights.importance(length, 3), Weights.importance(length, 4))) {
                double published = ((GgmlGrid) format.fit(finite, 0, length)).error(finite, h);
                double searched = ((GgmlGrid) format.search(finite, 0, length, h, 0)).error(finite, h);
                assertTrue(searched <= published, format + ": " + searched + " > " + published);
            }
        }
    }

    /** By importance-weighted error, block by block; and over all of them better. */
    @ParameterizedTest
    @ValueSource(strings = {"q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs"})
    void searchIsNeverWorseThanTheReferenceUnderAnImportanceMatrix(String name) {
        GgmlFormat format = GgmlTypes.byName(name).orElseThrow();
        int length = format.blockLength();
        double reference = 0;
        double searched = 0;
        for (Weights kind : Weights.values()) {
            for (int seed = 0; seed < 5; seed++) {
                float[] x = kind.block(length, 40 + seed);
                float[] h = Weights.importance(length, 90 + seed);
                GgmlGrid theirs =
                        format instanceof KFormat k ? k.weighted(x, h, false) : ((UnevenFormat) format).weighted(x, h);
                double error = ((GgmlGrid) format.search(x, 0, length, h, 0)).error(x, h);
                assertTrue(error <= theirs.error(x, h), name + " " + kind + " " + seed);
                reference += theirs.error(x, h);
                searched += error;
            }
        }
        assertTrue(searched < 0.99 * reference, name + ": " + searched + " against " + reference);
    }

    /**
     * Relative squared error of Gaussian weights: what the published rule leaves and what search has to reach. The
     * figures of the ternary and two-bit types are those of a numpy search over all scales.
     */
    @ParameterizedTest
    @CsvSource({
        "tq2_0, 0.6, 0.7, 0.192",
        "tq1_0, 0.6, 0.7, 0.192",
        "q2_0, 0.5, 0.55, 0.126",
        "q1_0, 0.35, 0.37, 0.37",
        "mxfp4, 0.012, 0.016, 0.0145",
        "nvfp4, 0.006, 0.012, 0.0095",
        "q4_0, 0.006, 0.009, 0.0068",
        "q4_1, 0.005, 0.008, 0.0060",
        "q2_k, 0.06, 0.12, 0.075",
        "q4_k, 0.004, 0.008, 0.0055"
    })
    void searchGainsOnGaussianWeights(String name, double least, double most, double bound) {
        GgmlFormat format = GgmlTypes.byName(name).orElseThrow();
        int length = format.blockLength();
        float[] h = new float[length];
        Arrays.fill(h, 1);
        double published = 0;
        double searched = 0;
        double squares = 0;
        for (int seed = 0; seed < 100; seed++) {
            float[] x = Weights.GAUSSIAN.block(length, seed);
            published += ((GgmlGrid) format.fit(x, 0, length)).error(x, h);
            searched += ((GgmlGrid) format.search(x, 0, length, h, 0)).error(x, h);
            for (float weight : x) {
                squares += (double) weight * weight;
            }
        }
        double before = published / squares;
        double after = searched / squares;
        assertTrue(before > least && before < most, name + ": published rule leaves " + before);
        assertTrue(after < bound, name + ": search leaves " + after + " of " + before);
    }

    @Test
    void saturationAndVanishingAreCounted() {
        float[] x = new float[256];
        for (GgmlFormat format : writable()) {
            int length = format.blockLength();
            Arrays.fill(x, 0.5f);
            assertEquals(0, format.fit(x, 0, length).fallbacks(), format.name());
            x[1] = 1e38f;
            int expected = format.name().equals("mxfp4") ? 0 : 1;
            assertEquals(expected, format.fit(x, 0, length).fallbacks(), format.name());
            Arrays.fill(x, 0);
            assertEquals(0, format.fit(x, 0, length).fallbacks(), format.name());
            x[3] = 1e-38f;
            assertEquals(expected, format.fit(x, 0, length).fallbacks(), format.name());
        }
    }

    @Test
    void onlyWholeBlocksAreStored() {
        GgmlFormat format = GgmlTypes.byName("q4_k").orElseThrow();
        assertTrue(format.supports(512));
        assertFalse(format.supports(500));
        assertEquals(2 * 144, format.rowBytes(512));
        assertThrows(IllegalArgumentException.class, () -> format.rowBytes(500));
        String message = assertThrows(
                        IllegalArgumentException.class, () -> PackedMatrix.allocate(format, 3, 500, Arena.ofAuto()))
                .getMessage();
        assertEquals(
                "q4_k stores rows of whole blocks of 256 weights, found rows of 500; store this matrix in another"
                        + " format",
                message);
    }

    @Test
    void codebookTypesRefuseToWrite() {
        int readOnly = 0;
        for (GgmlFormat format : GgmlTypes.ALL) {
            if (!format.writable()) {
                readOnly++;
                float[] x = new float[256];
                String message = assertThrows(UnsupportedOperationException.class, () -> format.fit(x, 0, 256))
                        .getMessage();
                assertTrue(message.startsWith(format.name() + " can be read but not written"), message);
                assertThrows(UnsupportedOperationException.class, () -> format.search(x, 0, 256, null, 0));
            }
        }
        assertEquals(7, readOnly);
    }

    /** The solvers of the level strings run on matrices, and what they count is what the bytes decode to. */
    @ParameterizedTest
    @MethodSource("writable")
    void solversRunOnMatrices(GgmlFormat format) {
        assertEquals(format, Level.parse(format.name()).format());
        assertEquals(Solvers.SEARCH, Level.parse(format.name() + ":search").solver());
        var weights = Weights.GAUSSIAN.matrix(3, 512, 77);
        double[] errors = new double[2];
        for (int search = 0; search < 2; search++) {
            PackedMatrix packed = PackedMatrix.allocate(format, 3, 512, Arena.ofAuto());
            SolveStats stats = new SolveStats();
            Solvers.ALL.get(search).prepare(weights, null, packed).solve(0, 3, stats);
            float[] original = new float[512];
            float[] decoded = new float[512];
            double sum = 0;
            for (int row = 0; row < 3; row++) {
                weights.row(row, original);
                packed.decodeRow(row, decoded);
                for (int i = 0; i < 512; i++) {
                    double difference = (double) original[i] - decoded[i];
                    sum += difference * difference;
                }
            }
            assertEquals(sum, stats.squaredError, 1e-12 * sum);
            assertEquals(8.0 * format.blockBytes() / format.blockLength(), packed.bitsPerWeight());
            errors[search] = sum;
        }
        assertTrue(errors[1] <= errors[0]);
    }
}
