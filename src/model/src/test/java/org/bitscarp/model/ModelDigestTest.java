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

    /** Digest of a model whose rows are read {@code rows} at a time, tensors in a shuffled order. */
    private String digest(Path model, int rows, long seed) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(model);
                Arena arena = Arena.ofConfined()) {
            List<TensorInfo> tensors = new ArrayList<>(checkpoint.weights());
            ModelDigest digest = new ModelDigest(tensors);
            Collections.shuffle(tensors, new Random(seed));
            for (TensorInfo tensor : tensors) {
                assertFalse(digest.complete());
                for (long row = 0; row < tensor.rows(); row += rows) {
                    digest.update(tensor, checkpoint.map(tensor, row, Math.min(rows, tensor.rows() - row), arena));
                }
            }
            assertTrue(digest.complete());
            long bytes = tensors.stream().mapToLong(TensorInfo::byteSize).sum();
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

    /** The definition, with the values of {@code printf 'a FP32 [2] %s\n' $(head -c 8 /dev/zero | sha256sum) | sha256sum}. */
    @Test
    void oneTensorOfZeros() {
        TensorInfo tensor = new TensorInfo("a", NumberFormat.FP32, List.of(2L), folder, 0);
        ModelDigest digest = new ModelDigest(List.of(tensor));
        assertThrows(IllegalStateException.class, digest::hex);
        digest.update(tensor, MemorySegment.ofArray(new byte[3]));
        assertThrows(IllegalStateException.class, digest::hex);
        assertThrows(IllegalArgumentException.class, () -> digest.update(tensor, MemorySegment.ofArray(new byte[6])));
        digest.update(tensor, MemorySegment.ofArray(new byte[5]));
        assertEquals("4d0abfb57e3f69e448ff5211631be361d0df612bfccdd6f7df6f8c0bd96f9592", digest.hex());
        TensorInfo stranger = new TensorInfo("b", NumberFormat.FP32, List.of(2L), folder, 0);
        assertThrows(IllegalArgumentException.class, () -> digest.update(stranger, MemorySegment.ofArray(new byte[1])));
    }
}
