package org.bitscarp.model.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.Llama2cFiles;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Mutations;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Llama2cTokenizerTest {
    private static final long SEED = 77;

    @TempDir
    Path folder;

    @Test
    void queueAndDefinitionMergeAlike() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 300; round++) {
            int alphabet = random.nextInt(2, 6);
            float[] scores = new float[200];
            Map<Long, Integer> pairs = new HashMap<>();
            for (int id = 0; id < scores.length; id++) {
                scores[id] = random.nextInt(10);
                if (id >= alphabet) {
                    pairs.put((long) random.nextInt(id) << 32 | random.nextInt(id), id);
                }
            }
            PairMerger merger = new PairMerger((a, b) -> pairs.getOrDefault((long) a << 32 | b, -1), scores);
            int[] symbols = random.ints(random.nextInt(0, 120), 0, alphabet).toArray();
            assertArrayEquals(merger.mergeReference(symbols), merger.merge(symbols), "round " + round);
        }
    }

    @Test
    void textsComeBack() throws IOException {
        Path checkpoint =
                Files.write(folder.resolve("m.bin"), Llama2cFiles.checkpoint(new int[] {16, 24, 2, 2, 1, 500, 8}, 1));
        Files.write(folder.resolve("tok500.bin"), Llama2cFiles.tokenizer(500, 2));
        try (Checkpoint opened = Checkpoints.open(checkpoint);
                Tokenizer tokenizer = opened.tokenizer()) {
            for (String text : new String[] {"", " ", "plain", " two  spaces", "naïve — 😀\n\tend", "<0x41> <s>"}) {
                int[] ids = tokenizer.encode(text, true);
                assertEquals(1, ids[0]);
                assertEquals(text, tokenizer.decode(ids));
            }
            assertEquals(0, tokenizer.encode("", false).length);
            // A byte without a token of its own is token 3 + byte: é is C3 A9.
            int[] accent = tokenizer.encode("é", false);
            assertEquals(3 + 0xC3, accent[accent.length - 2]);
            assertEquals(3 + 0xA9, accent[accent.length - 1]);
            assertThrows(IllegalArgumentException.class, () -> tokenizer.decode(new int[] {500}));
        }
    }

    @Test
    void anUnsharedHeadAndBadSizes() throws IOException {
        Path file = folder.resolve("m.bin");
        byte[] untied = Llama2cFiles.checkpoint(new int[] {16, 24, 2, 2, 1, -300, 8}, 1);
        Files.write(file, untied);
        try (Checkpoint opened = Checkpoints.open(folder)) {
            assertEquals("wcls", opened.tensor(TensorRole.HEAD, 0).orElseThrow().name());
            assertEquals(
                    "layers.1.w3", opened.tensor(TensorRole.UP, 1).orElseThrow().name());
            assertEquals(
                    untied.length,
                    opened.tensor(TensorRole.HEAD, 0).orElseThrow().offset() + 300 * 16 * 4);
            String message =
                    assertThrows(ModelException.class, opened::tokenizer).getMessage();
            assertTrue(message.contains("tokenizer.bin and tok300.bin"), message);
        }
        Files.write(file, java.util.Arrays.copyOf(untied, untied.length - 4));
        assertTrue(assertThrows(ModelException.class, () -> Checkpoints.open(file))
                .getMessage()
                .contains("asks for"));
        Files.write(file, new byte[] {
            '2', '4', 'k', 'a', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        });
        assertTrue(assertThrows(ModelException.class, () -> Checkpoints.open(file))
                .getMessage()
                .contains("version 1"));
    }

    @Test
    void damagedTokenizersAreRefusedOrWork() throws IOException {
        Path checkpoint = folder.resolve("m.bin");
        byte[] original = Llama2cFiles.tokenizer(400, 3);
        int refused = 0;
        for (int i = 0; i < 2000; i++) {
            long seed = SEED + i;
            Files.write(folder.resolve("tokenizer.bin"), Mutations.bytes(original, new SplittableRandom(seed)));
            try (Tokenizer tokenizer = Llama2cTokenizer.open(checkpoint, 400)) {
                for (int id : tokenizer.encode("Once upon a time — 😀", true)) {
                    assertTrue(id >= 0 && id < 400, "seed " + seed);
                }
            } catch (ModelException e) {
                refused++;
                assertTrue(e.getMessage().contains("tokenizer.bin"), e.getMessage());
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + e, e);
            }
        }
        assertTrue(refused > 500, "damage is noticed: " + refused);
    }
}
