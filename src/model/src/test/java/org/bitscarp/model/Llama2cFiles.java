package org.bitscarp.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Small random llama2.c files. */
public final class Llama2cFiles {
    private Llama2cFiles() {}

    /** @param header dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size (negative: own head), seq_len */
    public static byte[] checkpoint(int[] header, long seed) {
        int dim = header[0];
        int kv = dim / header[3] * header[4];
        int vocabulary = Math.abs(header[5]);
        int perLayer = 2 * dim + 2 * dim * dim + 2 * kv * dim + 3 * dim * header[1];
        int floats =
                vocabulary * dim * (header[5] < 0 ? 2 : 1) + header[2] * perLayer + dim + header[6] * (dim / header[3]);
        ByteBuffer file = ByteBuffer.allocate(28 + 4 * floats).order(ByteOrder.LITTLE_ENDIAN);
        for (int value : header) {
            file.putInt(value);
        }
        SplittableRandom random = new SplittableRandom(seed);
        while (file.hasRemaining()) {
            file.putFloat((float) random.nextGaussian());
        }
        return file.array();
    }

    /** A tokenizer.bin of 3 special tokens, 256 bytes, printable ASCII and random pairs of earlier pieces. */
    public static byte[] tokenizer(int vocabulary, long seed) {
        List<String> pieces = new ArrayList<>(List.of("<unk>", "\n<s>\n", "\n</s>\n"));
        for (int b = 0; b < 256; b++) {
            pieces.add(String.format("<0x%02X>", b));
        }
        for (char c = ' '; c <= '~'; c++) {
            pieces.add(String.valueOf(c));
        }
        SplittableRandom random = new SplittableRandom(seed);
        while (pieces.size() < vocabulary) {
            String merged =
                    pieces.get(random.nextInt(259, pieces.size())) + pieces.get(random.nextInt(259, pieces.size()));
            if (!pieces.contains(merged) && merged.length() < 12) {
                pieces.add(merged);
            }
        }
        ByteBuffer file = ByteBuffer.allocate(4 + vocabulary * 24)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(16);
        for (int id = 0; id < vocabulary; id++) {
            byte[] piece = pieces.get(id).getBytes(StandardCharsets.UTF_8);
            // Few distinct scores, so that ties are tested.
            file.putFloat(id < 354 ? 0 : -random.nextInt(1, 20))
                    .putInt(piece.length)
                    .put(piece);
        }
        byte[] bytes = new byte[file.position()];
        file.get(0, bytes);
        return bytes;
    }
}
