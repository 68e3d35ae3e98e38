package org.bitscarp.quant.ggml;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** The fixtures that llama.cpp's code made, and the generator of their inputs: exact in floats, so the same in C. */
final class GgmlReference {
    static final List<String> KINDS = List.of(
            "gaussian", "heavy", "one-sided", "outliers", "ternary", "sparse", "coarse", "tiny", "wide", "constant");

    /** The high bytes of a type's FP16 scales. Their bit 6 is cleared in random blocks, so that none is NaN. */
    private static final Map<String, int[]> HALVES = Map.ofEntries(
            Map.entry("q4_1", new int[] {1, 3}),
            Map.entry("q5_1", new int[] {1, 3}),
            Map.entry("q2_k", new int[] {81, 83}),
            Map.entry("q3_k", new int[] {109}),
            Map.entry("q4_k", new int[] {1, 3}),
            Map.entry("q5_k", new int[] {1, 3}),
            Map.entry("q6_k", new int[] {209}),
            Map.entry("iq1_m", new int[] {55}),
            Map.entry("tq1_0", new int[] {53}),
            Map.entry("tq2_0", new int[] {65}),
            Map.entry("mxfp4", new int[] {}),
            Map.entry("nvfp4", new int[] {}));

    private GgmlReference() {}

    /** The words of each line of a fixture, comments left out, whose first word is one of these. */
    static List<String[]> lines(String fixture, String first) {
        try (var lines = new BufferedReader(
                new InputStreamReader(GgmlReference.class.getResourceAsStream(fixture), StandardCharsets.US_ASCII))) {
            return lines.lines()
                    .filter(line -> line.startsWith(first + " "))
                    .map(line -> line.split(" "))
                    .toList();
        } catch (IOException cannotRead) {
            throw new UncheckedIOException(cannotRead);
        }
    }

    static void randomBlock(GgmlFormat format, SplittableRandom random, byte[] block) {
        for (int i = 0; i < block.length; i++) {
            block[i] = (byte) random.nextLong();
        }
        for (int high : HALVES.getOrDefault(format.name(), new int[] {1})) {
            block[high] &= ~0x40;
        }
    }

    /** The weights of a kind for a type. */
    static float[] weights(GgmlFormat format, String kind, int count) {
        int k = KINDS.indexOf(kind);
        SplittableRandom random = new SplittableRandom(7L * k + format.id());
        float[] w = new float[count];
        for (int i = 0; i < count; i++) {
            w[i] = weight(kind, random.nextLong(), i);
        }
        return w;
    }

    private static float weight(String kind, long bits, int i) {
        int sum = (int) (bits & 0xFFFF) + (int) (bits >>> 16 & 0xFFFF) + (int) (bits >>> 32 & 0xFFFF);
        int s = sum + (int) (bits >>> 48) - 131072;
        float gaussian = s * 0x1p-21f;
        float unit = s * 0x1p-17f;
        return switch (kind) {
            case "gaussian" -> gaussian;
            case "heavy" -> unit * unit * unit;
            case "one-sided" -> 0.25f + gaussian;
            case "outliers" -> (s & 31) == 0 ? 16 * gaussian : gaussian;
            case "ternary" -> (s % 3 == 0 ? 0 : (s & 1) != 0 ? 1 : -1) * 0.03125f;
            case "sparse" -> i / 16 % 3 == 0 ? gaussian : 0;
            case "coarse" -> s / 4096 * 0.015625f;
            case "tiny" -> gaussian * 0x1p-18f;
            case "wide" -> Math.scalb(gaussian, -(i / 16 % 12));
            default ->
                switch (i / 32 % 5) {
                    case 0 -> -0.0625f;
                    case 1 -> 0.09375f;
                    case 2 -> 0;
                    default -> gaussian;
                };
        };
    }

    /** The importance that belongs to {@link #weights}; some are 0. */
    static float[] importance(GgmlFormat format, String kind, int count) {
        SplittableRandom random = new SplittableRandom(7L * KINDS.indexOf(kind) + format.id() + 1000);
        float[] h = new float[count];
        for (int i = 0; i < count; i++) {
            long bits = random.nextLong();
            float unit = (bits >>> 40) * 0x1p-24f;
            h[i] = (bits & 15) == 0 ? 0 : unit * unit + 0x1p-10f;
        }
        return h;
    }

    static final long EMPTY = 0xCBF29CE484222325L;

    /** Goes on with an FNV-1a hash. */
    static long hash(long hash, byte[] bytes) {
        for (byte b : bytes) {
            hash = (hash ^ b & 0xFF) * 0x100000001B3L;
        }
        return hash;
    }

    /** The same over the little-endian bytes of floats. */
    static long hash(long hash, float[] numbers) {
        for (float number : numbers) {
            int bits = Float.floatToRawIntBits(number);
            for (int shift = 0; shift < 32; shift += 8) {
                hash = (hash ^ bits >>> shift & 0xFF) * 0x100000001B3L;
            }
        }
        return hash;
    }
}
