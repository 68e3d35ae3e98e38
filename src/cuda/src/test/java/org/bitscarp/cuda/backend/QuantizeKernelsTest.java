package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bitscarp.compute.DeviceQuantizer;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.ScaleScan;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantizing on the device gives the bytes, and the counts, of the CPU's solver. */
class QuantizeKernelsTest {
    private static final long SEED = 4711;
    private static final int[] WIDTHS = {1, 7, 31, 33, 129, 520};

    /** Rows whose errors the host adds up before it adds them to the rest; does not divide the number of rows. */
    private static final int TOGETHER = 2;

    private static final int ROWS = 5;
    private static final KernelBed BED = new KernelBed(80);

    @AfterAll
    static void nothingLeaks() {
        BED.close();
    }

    /** Rows of ordinary weights, of zeros, with NaN and infinities, beyond FP16's range, and below it. */
    private static float[] weights(int columns, SplittableRandom random) {
        float[] w = KernelBed.random(ROWS * columns, random);
        Arrays.fill(w, columns, 2 * columns, 0);
        w[2 * columns] = Float.NaN;
        w[3 * columns - 1] = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < columns; i++) {
            w[3 * columns + i] *= Float.MAX_VALUE;
            w[4 * columns + i] *= random.nextBoolean() ? 1e-6f : 1e-9f;
        }
        return w;
    }

    private static DeviceQuantizer.Job job(Level level, DeviceTensor weights, float[] importance) {
        return new DeviceQuantizer.Job(level.solver(), level.format(), weights, importance, null, TOGETHER);
    }

    /** Formats that have whole blocks only get some of these, more than a block of threads takes. */
    private static int[] widths(BlockFormat format) {
        if (!(format instanceof GgmlFormat ggml)) {
            return WIDTHS;
        }
        int length = ggml.blockLength();
        return new int[] {length, 5 * length, (length == 256 ? 17 : 67) * length};
    }

    private static float[] importance(int columns, SplittableRandom random) {
        float[] importance = new float[columns];
        for (int i = 1; i < columns; i++) {
            importance[i] = (float) (random.nextDouble() * (1 + i % 5));
        }
        return importance;
    }

    private record Host(byte[] bytes, SolveStats stats) {}

    private static Host onTheHost(Level level, float[] w, float[] importance, int columns) {
        byte[] bytes = new byte[(int) (ROWS * level.format().rowBytes(columns))];
        PackedMatrix packed = new PackedMatrix(level.format(), ROWS, columns, MemorySegment.ofArray(bytes));
        SolveStats stats = new SolveStats();
        Solver.RowSolver solver = level.solver()
                .prepare(
                        new DenseMatrix(MemorySegment.ofArray(w), ROWS, columns),
                        InputStatistics.of(importance),
                        packed);
        for (int row = 0; row < ROWS; row += TOGETHER) {
            SolveStats piece = new SolveStats();
            solver.solve(row, Math.min(ROWS, row + TOGETHER), piece);
            stats.add(piece);
        }
        return new Host(bytes, stats);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fp16",
                "bf16",
                "int2",
                "int3",
                "int4",
                "int5",
                "int6",
                "int7",
                "int8",
                "int2:sym",
                "int4:g32:sym",
                "int3:g5",
                "int8:row:sym",
                "nf4",
                "nf4:g7",
                "ternary",
                "ternary:g33",
                "ternary:row",
                "q4_0",
                "q4_1",
                "q5_0",
                "q5_1",
                "q8_0",
                "q2_0",
                "q2_k",
                "q3_k",
                "q4_k",
                "q5_k",
                "q6_k",
                "q1_0",
                "iq4_nl",
                "iq4_xs",
                "tq1_0",
                "tq2_0",
                "mxfp4",
                "nvfp4",
                "int2:g32:search",
                "int3:search",
                "int3:sym:search",
                "int4:g5:search",
                "int4:row:sym:search",
                "int8:row:search"
            })
    void equalsTheCpu(String text) {
        SplittableRandom random = new SplittableRandom(SEED);
        Level level = Level.parse(text);
        CudaQuantizer quantizer = new CudaQuantizer(BED.launcher, BED::memory);
        for (int columns : widths(level.format())) {
            String what = text + ", rows of " + columns;
            assertTrue(quantizer.supports(level.solver(), level.format(), columns), what);
            float[] w = weights(columns, random);
            // Mean squares of channels that differ in size, one of them never active.
            float[] importance = text.endsWith(":search") && columns % 2 == 1 ? importance(columns, random) : null;
            Host expected = onTheHost(level, w, importance, columns);
            DeviceTensor weights = BED.tensor(ROWS, columns, w);
            DeviceTensor target = BED.tensor(ROWS, columns);
            PackedMatrix packed = PackedMatrix.allocate(level.format(), ROWS, columns, Arena.ofAuto());
            SolveStats found = quantizer.quantize(job(level, weights, importance), packed, target);
            assertArrayEquals(expected.bytes, packed.bytes().toArray(ValueLayout.JAVA_BYTE), what);
            assertEquals(expected.stats.fallbacks, found.fallbacks, what);
            assertEquals(expected.stats.nonfinite, found.nonfinite, what);
            assertEquals(expected.stats.weights, found.weights, what);
            assertEquals(expected.stats.squaredError, found.squaredError, what);
            assertEquals(expected.stats.squaredWeights, found.squaredWeights, what);
            float[] decoded = new float[ROWS * columns];
            packed.decodeRows(0, ROWS, new DenseMatrix(MemorySegment.ofArray(decoded), ROWS, columns));
            assertArrayEquals(decoded, BED.values(target), what);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"int2", "int5:sym", "int3:g5", "int8:row"})
    void oneThreadABlockGivesTheSameIntegers(String text) {
        SplittableRandom random = new SplittableRandom(SEED);
        Level level = Level.parse(text);
        GroupedInt format = (GroupedInt) level.format();
        for (int columns : WIDTHS) {
            float[] w = weights(columns, random);
            Host expected = onTheHost(level, w, null, columns);
            DeviceTensor packed = BED.bytes(new byte[expected.bytes.length]);
            int blocks = Math.ceilDiv(columns, format.blockLength(columns));
            BED.launcher
                    .call(BED.lane, "quantize_int", "quantize_int_naive")
                    .reads(BED.tensor(ROWS, columns, w))
                    .writes(packed)
                    .long64(format.rowBytes(columns))
                    .integer(ROWS)
                    .integer(columns)
                    .integer(format.blockLength(columns))
                    .integer(format.bits())
                    .integer(PackedFormat.of(format, columns).orElseThrow().zero())
                    .writes(BED.tensor(1, 2))
                    .launch(Grid.of(Math.ceilDiv(blocks, 32), ROWS), 32);
            byte[] found = MemorySegment.ofArray(BED.values(packed)).toArray(ValueLayout.JAVA_BYTE);
            assertArrayEquals(expected.bytes, Arrays.copyOf(found, expected.bytes.length), text + " of " + columns);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_xs"})
    void oneThreadASuperBlockGivesTheSame(String text) {
        SplittableRandom random = new SplittableRandom(SEED);
        Level level = Level.parse(text);
        int columns = 3 * 256;
        float[] w = weights(columns, random);
        Host expected = onTheHost(level, w, null, columns);
        DeviceTensor packed = BED.bytes(new byte[expected.bytes.length]);
        DeviceTensor fallbacks = BED.tensor(1, 2, new float[2]);
        BED.launcher
                .call(BED.lane, "quantize_k", "quantize_" + text + "_naive")
                .reads(BED.tensor(ROWS, columns, w))
                .writes(packed)
                .long64(level.format().rowBytes(columns))
                .integer(ROWS)
                .integer(columns)
                .integer(256)
                .writes(fallbacks)
                .launch(Grid.of(1, ROWS), 32);
        byte[] found = MemorySegment.ofArray(BED.values(packed)).toArray(ValueLayout.JAVA_BYTE);
        assertArrayEquals(expected.bytes, Arrays.copyOf(found, expected.bytes.length), text);
        long counted = MemorySegment.ofArray(BED.values(fallbacks)).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        assertEquals(expected.stats.fallbacks, counted, text);
    }

    /** Exponents of mxfp4 follow a logarithm that fp32 rounds: next below a power of two to the power itself, or not. */
    @Test
    void logarithmsNextToPowersOfTwoRoundAsOnTheCpu() {
        Level level = Level.parse("mxfp4");
        int columns = 32 * 8;
        float[] w = new float[ROWS * columns];
        int[] exponents = {-130, -124, -65, -33, -9, -3, 0, 1, 3, 4, 17, 63, 64, 100, 127};
        for (int block = 0; block < w.length / 32; block++) {
            int power = exponents[block / 3 % exponents.length];
            float below = Math.scalb(1f, power);
            // Around the last number that still rounds up, which lies 2^e·ln 2 steps below, e the exponent of the
            // logarithm.
            int steps = (int) (Math.log(2) * Math.abs(power)) * (block % 3) / 2 + block % 3;
            w[32 * block + 5] = Float.intBitsToFloat(Float.floatToRawIntBits(below) - steps);
        }
        Host expected = onTheHost(level, w, null, columns);
        PackedMatrix packed = PackedMatrix.allocate(level.format(), ROWS, columns, Arena.ofAuto());
        new CudaQuantizer(BED.launcher, BED::memory)
                .quantize(job(level, BED.tensor(ROWS, columns, w), null), packed, BED.tensor(ROWS, columns));
        assertArrayEquals(expected.bytes, packed.bytes().toArray(ValueLayout.JAVA_BYTE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"int2:g32:search", "int3:sym:search", "int4:g5:search", "int8:row:search"})
    void oneThreadABlockFindsTheSameGrids(String text) {
        SplittableRandom random = new SplittableRandom(SEED);
        Level level = Level.parse(text);
        GroupedInt format = (GroupedInt) level.format();
        ScaleScan scan = ScaleScan.of(format);
        for (int columns : new int[] {1, 33, 129}) {
            float[] w = weights(columns, random);
            float[] importance = importance(columns, random);
            Host expected = onTheHost(level, w, importance, columns);
            DeviceTensor packed = BED.bytes(new byte[expected.bytes.length]);
            DeviceTensor fallbacks = BED.tensor(1, 2, new float[2]);
            int length = format.blockLength(columns);
            BED.launcher
                    .call(BED.lane, "search_int", "search_int_naive")
                    .reads(BED.tensor(ROWS, columns, w))
                    .reads(BED.tensor(1, columns, importance))
                    .writes(packed)
                    .long64(format.rowBytes(columns))
                    .integer(ROWS)
                    .integer(columns)
                    .integer(length)
                    .integer(format.bits())
                    .integer(PackedFormat.of(format, columns).orElseThrow().zero())
                    .integer(scan.steps())
                    .float64(scan.factor())
                    .writes(fallbacks)
                    .launch(Grid.of(Math.ceilDiv(Math.ceilDiv(columns, length), 32), ROWS), 32);
            byte[] found = MemorySegment.ofArray(BED.values(packed)).toArray(ValueLayout.JAVA_BYTE);
            assertArrayEquals(expected.bytes, Arrays.copyOf(found, expected.bytes.length), text + " of " + columns);
            long counted = MemorySegment.ofArray(BED.values(fallbacks)).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
            assertEquals(expected.stats.fallbacks, counted, text + " of " + columns);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, false", "3, true", "4, false", "7, true", "33, false", "130, true"})
    void oneThreadARowGivesTheSameErrors(int columns, boolean fed) {
        SplittableRandom random = new SplittableRandom(SEED);
        DeviceTensor w = BED.tensor(ROWS, columns, weights(columns, random));
        DeviceTensor q = BED.tensor(ROWS, columns, KernelBed.random(ROWS * columns, random));
        DeviceTensor specified = BED.tensor(ROWS, RowErrors.BYTES / 4);
        BED.launcher
                .call(BED.lane, "row_error", "row_error_naive")
                .reads(w)
                .reads(q)
                .writes(specified)
                .integer(ROWS)
                .integer(columns)
                .integer(fed ? 1 : 0)
                .launch(Grid.of(1), 32);
        DeviceTensor found = BED.tensor(ROWS, RowErrors.BYTES / 4);
        new RowErrors(BED.launcher).compare(BED.lane, w, q, fed, found.address());
        assertArrayEquals(BED.values(specified), BED.values(found));
    }

    @Test
    void whatHasNoKernelIsRefused() {
        CudaQuantizer quantizer = new CudaQuantizer(BED.launcher, BED::memory);
        DeviceTensor w = BED.tensor(1, 256);
        for (String text : new String[] {"nf4:search", "ternary:tensor", "fp32", "iq4_xs:search"}) {
            Level level = Level.parse(text);
            assertFalse(quantizer.supports(level.solver(), level.format(), 256), text);
            IllegalArgumentException e = assertThrows(
                    IllegalArgumentException.class,
                    () -> quantizer.quantize(job(level, w, null), null, BED.tensor(1, 256)));
            assertTrue(e.getMessage().contains("quantize on the host"), e.getMessage());
        }
    }
}
