package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.bitscarp.quant.ggml.GgmlTypes;
import org.junit.jupiter.api.Test;

/** The linear maps of a small trained model, where it lies beside the checkout. */
class RealWeightsTest {
    private static final Path MODEL =
            Path.of(System.getProperty("bitscarp.checkout", "../.."), "datasets", "models", "prose-6m");
    /** A header entry of a 2-D fp32 linear map in a safetensors file that we made ourselves. */
    private static final Pattern LINEAR =
            Pattern.compile("\"(model\\.layers\\.[^\"]*_proj\\.weight)\"\\s*:\\s*\\{\"dtype\"\\s*:\\s*\"F32\"\\s*,\\s*"
                    + "\"shape\"\\s*:\\s*\\[(\\d+),\\s*(\\d+)]\\s*,\\s*\"data_offsets\"\\s*:\\s*\\[(\\d+),\\s*(\\d+)]");

    private static Map<String, DenseMatrix> matrices() throws IOException {
        Map<String, DenseMatrix> matrices = new TreeMap<>();
        List<Path> files;
        try (var listing = Files.list(MODEL)) {
            files = listing.filter(file -> file.toString().endsWith(".safetensors"))
                    .toList();
        }
        for (Path file : files) {
            try (FileChannel channel = FileChannel.open(file)) {
                MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
                long header = bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
                byte[] text = bytes.asSlice(8, header).toArray(ValueLayout.JAVA_BYTE);
                Matcher entry = LINEAR.matcher(new String(text, StandardCharsets.UTF_8));
                while (entry.find()) {
                    int rows = Integer.parseInt(entry.group(2));
                    int columns = Integer.parseInt(entry.group(3));
                    MemorySegment aligned = Arena.ofAuto().allocate(4L * rows * columns, 64);
                    aligned.copyFrom(bytes.asSlice(8 + header + Long.parseLong(entry.group(4)), 4L * rows * columns));
                    matrices.put(entry.group(1), new DenseMatrix(aligned, rows, columns));
                }
            }
        }
        assertEquals(42, matrices.size(), "seven linear maps in each of six layers");
        return matrices;
    }

    private static double error(String level, DenseMatrix weights) {
        Level parsed = Level.parse(level);
        PackedMatrix packed = PackedMatrix.allocate(parsed.format(), weights.rows(), weights.columns(), Arena.ofAuto());
        SolveStats stats = new SolveStats();
        parsed.solver().prepare(weights, null, packed).solve(0, weights.rows(), stats);
        assertEquals(0, stats.fallbacks);
        assertEquals(0, stats.nonfinite);
        return stats.relativeError();
    }

    @Test
    void moreBitsMeanLessErrorAndSearchNeverHurts() throws IOException {
        Map<String, double[]> table = new TreeMap<>();
        for (DenseMatrix weights : matrices().values()) {
            double previous = Double.POSITIVE_INFINITY;
            List<String> formats = new ArrayList<>();
            for (int bits = 2; bits <= 8; bits++) {
                formats.add("int" + bits);
            }
            for (String format : formats) {
                double rtn = error(format, weights);
                double search = error(format + ":search", weights);
                assertTrue(rtn < previous, format + ": " + rtn + " is not below " + previous);
                assertTrue(search <= rtn, format + ": search " + search + ", rtn " + rtn);
                previous = rtn;
                double[] sums = table.computeIfAbsent(format, name -> new double[2]);
                sums[0] += rtn / 42;
                sums[1] += search / 42;
            }
            // The published ternary rule can beat int2's, which spends its codes on the range; searched, it cannot.
            assertTrue(error("int2:search", weights) < error("ternary:search", weights));
            for (String format : List.of(
                    "int4:sym", "int3:sym:g64", "int2:row", "nf4", "ternary", "ternary:tensor", "ternary:row")) {
                assertTrue(error(format + ":search", weights) <= error(format, weights), format);
            }
            assertTrue(error("bf16", weights) < previous);
            assertTrue(error("fp16", weights) < error("bf16", weights));
            assertEquals(0, error("fp32", weights));
        }
        table.forEach((format, mean) ->
                System.out.printf("prose-6m %-8s relative error rtn %.5f search %.5f%n", format, mean[0], mean[1]));
    }

    /** Round-to-nearest in every block type that llama-quantize writes, tensor after tensor. */
    @Test
    void bytesAreThoseOfLlamaQuantize() throws Exception {
        Map<String, DenseMatrix> matrices = matrices();
        List<String> differing = new ArrayList<>();
        List<String> written = GgmlTypes.ALL.stream()
                .filter(GgmlFormat::writable)
                .map(GgmlFormat::name)
                .toList();
        Map<String, String> expected = new TreeMap<>();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                RealWeightsTest.class.getResourceAsStream("prose-6m-ggml.txt"), StandardCharsets.US_ASCII))) {
            lines.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split(" "))
                    .forEach(words -> {
                        assertEquals(matrices.size(), Integer.parseInt(words[1]));
                        expected.put(words[0], words[2]);
                    });
        }
        assertEquals(new TreeSet<>(written), expected.keySet());
        for (String format : written) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (DenseMatrix weights : matrices.values()) {
                try (Arena arena = Arena.ofConfined()) {
                    PackedMatrix packed = PackedMatrix.allocate(
                            Level.parse(format).format(), weights.rows(), weights.columns(), arena);
                    Solvers.RTN.prepare(weights, null, packed).solve(0, weights.rows(), new SolveStats());
                    digest.update(packed.bytes().asByteBuffer());
                }
            }
            if (!expected.get(format).equals(HexFormat.of().formatHex(digest.digest()))) {
                differing.add(format);
            }
        }
        assertEquals(List.of(), differing);
    }
}
