package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelDigestTest {
    @TempDir
    Path folder;

    private record Key(TensorRole role, int layer) {}

    /** Digest of a model whose rows are read {@code rows} at a time, weights in a shuffled order. */
    private String digest(Path model, int rows, long seed) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(model);
                Arena arena = Arena.ofConfined()) {
            List<Key> keys = new ArrayList<>();
            for (TensorRole role : TensorRole.values()) {
                for (int layer = 0; layer < (role.inLayer() ? 2 : 1); layer++) {
                    if (checkpoint.weight(role, layer).isPresent()) {
                        keys.add(new Key(role, layer));
                    }
                }
            }
            ModelDigest digest = new ModelDigest(checkpoint);
            Collections.shuffle(keys, new Random(seed));
            for (Key key : keys) {
                Weight weight = checkpoint.weight(key.role, key.layer).orElseThrow();
                assertFalse(digest.complete());
                for (long row = 0; row < weight.rows(); row += rows) {
                    long n = Math.min(rows, weight.rows() - row);
                    MemorySegment values = arena.allocate(4 * n * weight.columns(), 4);
                    weight.read(row, n, values, 0);
                    digest.update(key.role, key.layer, values);
                }
            }
            assertTrue(digest.complete());
            long bytes =
                    checkpoint.weights().stream().mapToLong(Weight::byteSize).sum();
            assertEquals(bytes, checkpoint.bytesMapped(), "every weight is read once");
            return digest.hex();
        }
    }

    @Test
    void dependsOnWeightsAndNotOnContainerOrOrder() throws IOException {
        Path one = new TinyLlama().write(Files.createDirectory(folder.resolve("one")));
        Path sharded = new TinyLlama().shards(4).write(Files.createDirectory(folder.resolve("sharded")));
        Path other = new TinyLlama().seed(2).write(Files.createDirectory(folder.resolve("other")));
        Path half = new TinyLlama().format(NumberFormat.FP16).write(Files.createDirectory(folder.resolve("half")));
        String expected = digest(one, 1, 1);
        assertEquals(expected, digest(one, 1000, 2));
        assertEquals(expected, digest(sharded, 7, 3));
        assertNotEquals(expected, digest(other, 1, 1));
        assertNotEquals(expected, digest(half, 1, 1));
    }

    @Test
    void doesNotDependOnTheContainer() throws IOException {
        Path model = new TinyLlama().vocabulary(297).write(Files.createDirectory(folder.resolve("hf")));
        Files.writeString(model.resolve("tokenizer.json"), TinyTokenizer.json(false));
        try (Checkpoint source = Checkpoints.open(model)) {
            Path gguf = GgufConversion.write(source, NumberFormat.FP32, false, folder.resolve("m.gguf"));
            assertEquals(digest(model, 5, 3), digest(gguf, 1000, 4));
        }
    }

    @Test
    void refusesStrangersAndWhatIsIncomplete() throws IOException {
        Path model = new TinyLlama().write(Files.createDirectory(folder.resolve("m")));
        try (Checkpoint checkpoint = Checkpoints.open(model)) {
            ModelDigest digest = new ModelDigest(checkpoint);
            assertThrows(IllegalStateException.class, digest::hex);
            MemorySegment much =
                    MemorySegment.ofArray(new byte[4 * checkpoint.spec().hidden() + 1]);
            assertThrows(IllegalArgumentException.class, () -> digest.update(TensorRole.FINAL_NORM, 0, much));
            assertThrows(IllegalArgumentException.class, () -> digest.update(TensorRole.ROUTER, 0, much));
            digest.update(TensorRole.FINAL_NORM, 0, much.asSlice(0, 5));
            assertFalse(digest.complete());
        }
    }
}
