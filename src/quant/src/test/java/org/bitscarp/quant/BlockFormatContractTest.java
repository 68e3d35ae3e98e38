package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every storage format promises, for each format in every shape that a level string can ask for. */
class BlockFormatContractTest {
    private static final List<String> SCOPES = List.of("g1", "g7", "g32", "g64", "g128", "row");
    /** Row lengths with and without a short last block. */
    private static final int[] COLUMNS = {1, 7, 8, 9, 64, 100, 128, 131, 300};

    static Stream<BlockFormat> formats() {
        List<String> levels = new ArrayList<>(List.of("fp32", "fp16", "bf16", "ternary:tensor"));
        for (String scope : SCOPES) {
            for (int bits = 2; bits <= 8; bits++) {
                levels.add("int" + bits + ":" + scope);
                levels.add("int" + bits + ":sym:" + scope);
            }
            levels.add("nf4:" + scope);
            levels.add("ternary:" + scope);
        }
        return levels.stream().map(text -> Level.parse(text).format());
    }

    private static float[] hostile(int length) {
        float[] pattern = {
            0f, -0f, Float.MIN_VALUE, -1e-42f, 1e-8f, 1e38f, -3.4e38f, Float.MAX_VALUE, 1f, -65504f, 70000f, 3e-5f
        };
        float[] w = new float[length];
        for (int i = 0; i < length; i++) {
            w[i] = pattern[i * 5 % pattern.length];
        }
        return w;
    }

    private static List<float[]> rows(int columns) {
        List<float[]> rows = new ArrayList<>();
        for (Weights kind : Weights.values()) {
            rows.add(kind.block(columns, 11 * columns + kind.ordinal()));
        }
        rows.add(new float[columns]);
        rows.add(hostile(columns));
        float[] tiny = Weights.GAUSSIAN.block(columns, 5);
        float[] huge = Weights.GAUSSIAN.block(columns, 6);
        for (int i = 0; i < columns; i++) {
            tiny[i] *= 1e-6f;
            huge[i] *= 1e7f;
        }
        rows.add(tiny);
        rows.add(huge);
        return rows;
    }

    private static Grid grid(BlockFormat format, float[] w, int from, int length) {
        return format.sharedGrid()
                ? format.fitShared(Weights.dense(Arrays.copyOfRange(w, from, from + length), 1, length))
                : format.fit(w, from, length);
    }

    /** Packed bytes decode to exactly the grid's values, and nothing outside the block is written. */
    @ParameterizedTest
    @MethodSource("formats")
    void packedBlocksDecodeToTheGridsValues(BlockFormat format) {
        for (int columns : COLUMNS) {
            int block = format.blockLength(columns);
            for (float[] w : rows(columns)) {
                for (int from = 0; from < columns; from += block) {
                    int length = Math.min(block, columns - from);
                    Grid grid = grid(format, w, from, length);
                    int[] codes = new int[length];
                    grid.nearest(w, from, length, codes);
                    int bytes = format.blockBytes(length);
                    // Three bytes off any alignment, with guard bytes on both sides; and once with no room behind.
                    for (int room : new int[] {0, 13}) {
                        MemorySegment memory = Arena.ofAuto().allocate(3L + bytes + room);
                        memory.fill((byte) 0xA5);
                        format.encode(grid, codes, length, memory, 3);
                        float[] decoded = new float[length + 2];
                        format.decode(memory, 3, length, decoded, 1);
                        float[] values = new float[length];
                        grid.values(codes, length, values, 0);
                        for (int i = 0; i < length; i++) {
                            float expected = grid.value(i, codes[i]);
                            assertBits(expected, decoded[1 + i], format, i);
                            assertBits(expected, values[i], format, i);
                            assertTrue(Float.isFinite(expected), format + " made " + expected + " of " + w[from + i]);
                        }
                        assertEquals(0, decoded[0]);
                        assertEquals(0, decoded[length + 1]);
                        for (long i = 0; i < memory.byteSize(); i++) {
                            if (i < 3 || i >= 3 + bytes) {
                                assertEquals((byte) 0xA5, memory.get(ValueLayout.JAVA_BYTE, i), "guard byte " + i);
                            }
                        }
                    }
                }
            }
        }
    }

    private static void assertBits(float expected, float found, BlockFormat format, int i) {
        assertEquals(
                Float.floatToRawIntBits(expected),
                Float.floatToRawIntBits(found),
                () -> format + ": weight " + i + " should be " + expected + ", found " + found);
    }

    /** The bulk path of rounding gives the codes of the scalar path, also for NaN and infinities. */
    @ParameterizedTest
    @MethodSource("formats")
    void bulkRoundingIsScalarRounding(BlockFormat format) {
        for (int columns : COLUMNS) {
            for (float[] row : rows(columns)) {
                Grid grid = grid(format, row, 0, format.blockLength(columns));
                float[] w = row.clone();
                for (int i = 0; i < columns; i += 3) {
                    w[i] = new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e38f, -0f}
                            [i / 3 % 5];
                }
                int length = format.blockLength(columns);
                int[] bulk = new int[length];
                int[] single = new int[length];
                grid.nearest(w, 0, length, bulk);
                for (int i = 0; i < length; i++) {
                    single[i] = grid.nearest(i, w[i]);
                }
                assertArrayEquals(single, bulk, format::name);
            }
        }
    }

    /** Ties and what lies next to them, where two ways of rounding would part. */
    @ParameterizedTest
    @MethodSource("formats")
    void bulkRoundingIsScalarRoundingAtTies(BlockFormat format) {
        float[] fitted = Weights.UNIFORM.block(128, 3);
        Grid grid = grid(format, fitted, 0, format.blockLength(128));
        float[] values = new float[format.blockLength(128)];
        int[] codes = new int[values.length];
        grid.nearest(fitted, 0, values.length, codes);
        grid.values(codes, values.length, values, 0);
        float[] w = new float[3 * values.length];
        for (int i = 0; i < values.length; i++) {
            float middle = (values[i] + values[(i + 1) % values.length]) / 2;
            w[3 * i] = middle;
            w[3 * i + 1] = Math.nextUp(middle);
            w[3 * i + 2] = Math.nextDown(middle);
        }
        int[] bulk = new int[w.length];
        grid.nearest(w, 0, w.length, bulk);
        for (int i = 0; i < w.length; i++) {
            assertEquals(grid.nearest(i, w[i]), bulk[i], format.name());
        }
    }

    /** No code would have been nearer; rounding errors of the division itself aside. */
    @ParameterizedTest
    @MethodSource("formats")
    void theNearestCodeIsTaken(BlockFormat format) {
        if (!format.fitted()) {
            return;
        }
        float[] w = Weights.HEAVY_TAILED.block(128, 17);
        int length = format.blockLength(128);
        Grid grid = grid(format, w, 0, length);
        int first = format instanceof Ternary ? -1 : 0;
        int last = switch (format) {
            case GroupedInt integers -> integers.maxCode();
            case Ternary ternary -> 1;
            default -> 15;
        };
        for (int i = 0; i < length; i++) {
            float found = Math.abs(grid.value(i, grid.nearest(i, w[i])) - w[i]);
            for (int code = first; code <= last; code++) {
                float other = Math.abs(grid.value(i, code) - w[i]);
                assertTrue(found <= other + 1e-6f * Math.abs(w[i]), format + ": " + w[i] + " was not taken to " + code);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void theNameReadsBackAsTheFormat(BlockFormat format) {
        assertEquals(format, Level.parse(format.name()).format());
    }

    @ParameterizedTest
    @MethodSource("formats")
    void sizesAddUp(BlockFormat format) {
        for (int columns : COLUMNS) {
            int block = format.blockLength(columns);
            assertTrue(block >= 1 && block <= columns);
            long bytes = 0;
            for (int from = 0; from < columns; from += block) {
                bytes += format.blockBytes(Math.min(block, columns - from));
            }
            assertEquals(bytes, format.rowBytes(columns));
        }
        assertEquals(0, format.rowBytes(0));
    }
}
