package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.Test;

/**
 * Thousands of damaged files: each either opens and can be read from end to end, or is a {@link ModelException} whose
 * message is one line that names a file. Anything else (another exception, an error, a hang) fails with the seed.
 */
class HostileFilesTest extends DamagedFiles {
    @Test
    void safetensors() throws IOException {
        Path file = new TinyLlama().format(NumberFormat.BF16).write(folder).resolve("model.safetensors");
        Safetensors original = new Safetensors(Files.readAllBytes(file));
        survives(4000, random -> Files.write(file, original.damaged(random)));
    }

    @Test
    void config() throws IOException {
        String scaling =
                "{\"rope_type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 64, \"mscale\": 0.7, "
                        + "\"mscale_all_dim\": 1.0, \"beta_fast\": 32, \"beta_slow\": 1}";
        TinyLlama llama = new TinyLlama().ropeScaling(scaling);
        Path file = llama.write(folder).resolve("config.json");
        survives(4000, random -> {
            Files.writeString(file, Mutations.json(llama.config(), random));
            return folder;
        });
        assertTrue(opened > 100, "some damage is harmless: " + opened);
    }

    @Test
    void shardIndex() throws IOException {
        Path file = new TinyLlama().shards(3).write(folder).resolve("model.safetensors.index.json");
        String original = Files.readString(file);
        survives(2000, random -> {
            Files.writeString(file, Mutations.json(original, random));
            return folder;
        });
    }

    @Test
    void llama2c() throws IOException {
        Path file = folder.resolve("m.bin");
        byte[] original = Llama2cFiles.checkpoint(new int[] {16, 24, 2, 2, 1, 300, 8}, 5);
        survives(4000, random -> {
            byte[] changed = random.nextInt(4) == 0 ? Mutations.bytes(original, random) : original.clone();
            if (changed.length >= 28 && random.nextBoolean()) {
                int[] values = {0, -1, 1, 2, 1 << 20, 1 << 30, Integer.MAX_VALUE, Integer.MIN_VALUE, random.nextInt()};
                ByteBuffer.wrap(changed)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(4 * random.nextInt(7), values[random.nextInt(values.length)]);
            }
            return Files.write(file, changed);
        });
        assertTrue(opened > 100, "some damage is harmless: " + opened);
    }

    @Test
    void gguf() throws IOException {
        gguf(TinyGguf.model(new TinyLlama(), NumberFormat.BF16).build());
    }

    @Test
    void ggufWithSentencePieces() throws IOException {
        gguf(TinyGguf.weights(TinyGguf.sentencePieces(TinyGguf.metadata()), new TinyLlama(), NumberFormat.FP16)
                .build());
    }

    private void gguf(byte[] original) throws IOException {
        Path file = folder.resolve("m.gguf");
        int header = headerBytes(original);
        tokenizes = true;
        survivesGguf(4000, file, original, header);
        assertTrue(opened > 100, "some damage is harmless: " + opened);
    }

    /** Where the data begin: behind the info of the last tensor, aligned. */
    private static int headerBytes(byte[] gguf) {
        String text = new String(gguf, StandardCharsets.ISO_8859_1);
        int last = text.lastIndexOf("output_norm.weight") + "output_norm.weight".length();
        return (last + 4 + 8 + 4 + 8 + 31) / 32 * 32;
    }
}
