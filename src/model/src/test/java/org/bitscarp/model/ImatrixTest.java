package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Importance matrices of llama.cpp, both forms. */
class ImatrixTest {
    @TempDir
    private Path folder;

    /** A legacy file with one entry, as {@code save_imatrix_legacy} of llama.cpp lays it out. */
    private Path legacy(String name, int windows, int length, float... values) throws IOException {
        byte[] text = "wiki".getBytes(StandardCharsets.UTF_8);
        byte[] tensor = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer out = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(1).putInt(tensor.length).put(tensor).putInt(windows).putInt(length);
        for (float value : values) {
            out.putFloat(value);
        }
        out.putInt(windows).putInt(text.length).put(text);
        return Files.write(folder.resolve("imatrix.dat"), Arrays.copyOf(out.array(), out.position()));
    }

    private Path written(float[] means, long... counts) throws IOException {
        Path file = folder.resolve("imatrix.gguf");
        new Imatrix(
                        file,
                        null,
                        Map.of("blk.0.ffn_up_exps.weight", new Imatrix.Entry(means, counts)),
                        List.of("wiki"),
                        16,
                        512)
                .write(true);
        return file;
    }

    @Test
    void readsWhatItWrites() throws IOException {
        Imatrix read = Imatrix.read(written(new float[] {0.5f, 0.25f, 0, 0}, 8, 0));
        assertEquals(List.of("wiki"), read.datasets());
        assertEquals(16, read.chunks());
        assertEquals(512, read.chunkTokens());
        Imatrix.Entry entry = read.entries().get("blk.0.ffn_up_exps.weight");
        assertArrayEquals(new float[] {0.5f, 0.25f, 0, 0}, entry.meanSquares());
        assertArrayEquals(new long[] {8, 0}, entry.counts());
    }

    @Test
    void legacyMeansComeMultipliedByTheirWindows() throws IOException {
        Imatrix read = Imatrix.read(legacy("blk.0.attn_q.weight", 4, 2, 2f, 12f));
        assertArrayEquals(
                new float[] {0.5f, 3}, read.entries().get("blk.0.attn_q.weight").meanSquares());
        assertEquals(List.of("wiki"), read.datasets());
        assertEquals(4, read.chunks());
    }

    @Test
    void whatIsNoMeanSquareIsRefused() throws IOException {
        refuses(legacy("blk.0.attn_q.weight", 4, 2, 2f, Float.NaN), "blk.0.attn_q.weight", "NaN", "channel 1");
        refuses(legacy("blk.0.attn_q.weight", 4, 2, -1f, 2), "-1.0", "channel 0");
        refuses(legacy("blk.0.attn_q.weight", 0, 2, 1, 2), "gathered on no tokens");
        refuses(legacy("blk.0.attn_q.weight", -1, 2, 1, 2), "-1 windows");
        refuses(written(new float[] {1, 1, 1, 1}, 0, 0), "ffn_up_exps", "gathered on no tokens");
        refuses(written(new float[] {Float.POSITIVE_INFINITY, 1}, 1), "Infinity");
    }

    @Test
    void lengthsAreCheckedBeforeMemoryIsTaken() throws IOException {
        refuses(legacy("blk.0.attn_q.weight", 4, Integer.MAX_VALUE, 1, 2), "needs 8589934588 bytes");
        refuses(Files.write(folder.resolve("x"), new byte[] {1, 2}), "needs 4 bytes");
        refuses(Files.write(folder.resolve("x"), new byte[] {1, 0, 0, 0, -1, -1, -1, 127}), "2147483647 bytes");
        refuses(Files.write(folder.resolve("x"), new byte[] {-1, -1, -1, -1}), "no imatrix file");
        refuses(folder.resolve("none"), "no such file");
        byte[] whole = Files.readAllBytes(written(new float[] {1, 2}, 1));
        for (int length = 4; length < whole.length - 32; length += 7) {
            Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, length));
            assertThrows(ModelException.class, () -> Imatrix.read(cut));
        }
    }

    private static void refuses(Path file, String... words) {
        String message =
                assertThrows(ModelException.class, () -> Imatrix.read(file)).getMessage();
        for (String word : words) {
            assertTrue(message.contains(word), message);
        }
    }
}
