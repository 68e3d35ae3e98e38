package org.bitscarp.quant.ggml;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.bitscarp.quant.Grid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Bytes and floats against those of llama.cpp's reference code. */
class GgmlReferenceTest {
    static List<GgmlFormat> formats() {
        return GgmlTypes.ALL;
    }

    static List<GgmlFormat> writable() {
        return GgmlTypes.ALL.stream().filter(GgmlFormat::writable).toList();
    }

    /** Types whose rule under an importance matrix depends on nothing but the block. */
    static List<GgmlFormat> weighted() {
        return GgmlTypes.ALL.stream()
                .filter(format -> format instanceof KFormat || format instanceof UnevenFormat)
                .toList();
    }

    private static List<String[]> hashes(String what, GgmlFormat format) {
        return GgmlReference.lines("ggml-hashes.txt", what + " " + format.name());
    }

    /** Whole blocks, so that a difference can be seen. */
    @ParameterizedTest
    @MethodSource("formats")
    void blocksDecodeToTheReferencesFloats(GgmlFormat format) {
        List<String[]> blocks = GgmlReference.lines("ggml-blocks.txt", "block " + format.name());
        assertEquals(true, blocks.size() >= 2);
        for (String[] line : blocks) {
            // The chunk that was quantized has 256 weights; the fixture holds its first block.
            byte[] block = HexFormat.of().parseHex(line[2]);
            assertEquals(format.blockBytes(), block.length);
            float[] w = new float[format.blockLength()];
            format.decode(MemorySegment.ofArray(block), 0, w.length, w, 0);
            StringBuilder bits = new StringBuilder();
            for (float weight : w) {
                bits.append(HexFormat.of().toHexDigits(Float.floatToRawIntBits(weight)));
            }
            assertEquals(line[3], bits.toString(), format.name());
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void randomBlocksDecodeToTheReferencesFloats(GgmlFormat format) {
        List<String[]> lines = hashes("decode", format);
        assertEquals(1, lines.size());
        SplittableRandom random = new SplittableRandom(100 + format.id());
        byte[] block = new byte[format.blockBytes()];
        float[] w = new float[format.blockLength()];
        long hash = GgmlReference.EMPTY;
        for (int i = 0; i < Integer.parseInt(lines.get(0)[2]); i++) {
            GgmlReference.randomBlock(format, random, block);
            format.decode(MemorySegment.ofArray(block), 0, w.length, w, 0);
            hash = GgmlReference.hash(hash, w);
        }
        assertEquals(lines.get(0)[3], HexFormat.of().toHexDigits(hash), format.name());
    }

    @ParameterizedTest
    @MethodSource("writable")
    void roundToNearestWritesTheReferencesBytes(GgmlFormat format) {
        List<String[]> lines = hashes("encode", format);
        assertEquals(GgmlReference.KINDS, lines.stream().map(line -> line[2]).toList());
        TreeSet<String> differing = new TreeSet<>();
        for (String[] line : lines) {
            float[] w = GgmlReference.weights(format, line[2], Integer.parseInt(line[3]));
            long hash = GgmlReference.EMPTY;
            for (int at = 0; at < w.length; at += format.blockLength()) {
                hash = GgmlReference.hash(hash, encoded(format, format.fit(w, at, format.blockLength()), w, at));
            }
            if (!line[4].equals(HexFormat.of().toHexDigits(hash))) {
                differing.add(line[2]);
            }
        }
        assertEquals(new TreeSet<>(), differing, format.name());
    }

    /** The importance-weighted rules that {@code search} starts from. */
    @ParameterizedTest
    @MethodSource("weighted")
    void importanceGivesTheReferencesBytes(GgmlFormat format) {
        List<String[]> lines = hashes("imatrix", format);
        assertEquals(GgmlReference.KINDS, lines.stream().map(line -> line[2]).toList());
        TreeSet<String> differing = new TreeSet<>();
        for (String[] line : lines) {
            int count = Integer.parseInt(line[3]);
            float[] w = GgmlReference.weights(format, line[2], count);
            float[] importance = GgmlReference.importance(format, line[2], count);
            long hash = GgmlReference.EMPTY;
            for (int at = 0; at < count; at += format.blockLength()) {
                float[] x = Arrays.copyOfRange(w, at, at + format.blockLength());
                float[] h = Arrays.copyOfRange(importance, at, at + format.blockLength());
                GgmlGrid grid = switch (format) {
                    case KFormat k -> k.weighted(x, h, false);
                    case UnevenFormat uneven -> uneven.weighted(x, h);
                    default -> throw new AssertionError(format.name());
                };
                hash = GgmlReference.hash(hash, encoded(format, grid, w, at));
            }
            if (!line[4].equals(HexFormat.of().toHexDigits(hash))) {
                differing.add(line[2]);
            }
        }
        assertEquals(new TreeSet<>(), differing, format.name());
    }

    private static byte[] encoded(GgmlFormat format, Grid grid, float[] w, int at) {
        int[] codes = new int[format.blockLength()];
        grid.nearest(w, at, codes.length, codes);
        byte[] block = new byte[format.blockBytes()];
        format.encode(grid, codes, codes.length, MemorySegment.ofArray(block), 0);
        return block;
    }

    /** Numbers and sizes as in the GGUF specification, independent of how they are computed. */
    @Test
    void sizesAreThoseOfTheSpecification() {
        String found = GgmlTypes.ALL.stream()
                .sorted((a, b) -> Integer.compare(a.id(), b.id()))
                .map(format ->
                        format.id() + " " + format.name() + " " + format.blockLength() + "/" + format.blockBytes())
                .collect(Collectors.joining(", "));
        assertEquals(
                "2 q4_0 32/18, 3 q4_1 32/20, 6 q5_0 32/22, 7 q5_1 32/24, 8 q8_0 32/34, 10 q2_k 256/84, "
                        + "11 q3_k 256/110, 12 q4_k 256/144, 13 q5_k 256/176, 14 q6_k 256/210, 16 iq2_xxs 256/66, "
                        + "17 iq2_xs 256/74, 18 iq3_xxs 256/98, 19 iq1_s 256/50, 20 iq4_nl 32/18, 21 iq3_s 256/110, "
                        + "22 iq2_s 256/82, 23 iq4_xs 256/136, 29 iq1_m 256/56, 34 tq1_0 256/54, 35 tq2_0 256/66, "
                        + "39 mxfp4 32/17, 40 nvfp4 64/36, 41 q1_0 128/18, 42 q2_0 64/18",
                found);
        for (GgmlFormat format : GgmlTypes.ALL) {
            assertEquals(format, GgmlTypes.byId(format.id()).orElseThrow());
            assertEquals(format, GgmlTypes.byName(format.name()).orElseThrow());
        }
        assertEquals(true, GgmlTypes.byId(0).isEmpty());
        assertArrayEquals(new String[0], GgmlTypes.byName("q9_k").stream().toArray());
    }
}
