package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.Test;

/** Whole checkpoints against figures of independent programs; provenance beside each. */
class RealModelsTest {
    @Test
    void prose6m() throws IOException {
        Path folder = SharedFiles.require("models/prose-6m");
        try (Checkpoint checkpoint = Checkpoints.open(folder)) {
            DecoderSpec spec = checkpoint.spec();
            assertEquals("LlamaForCausalLM", spec.architecture());
            assertEquals(4096, spec.vocabulary());
            assertEquals(256, spec.hidden());
            assertEquals(6, spec.layers());
            assertEquals(8, spec.attention().heads());
            assertEquals(4, spec.attention().kvHeads());
            assertEquals(32, spec.attention().headDim());
            assertEquals(768, spec.mlp().width());
            assertEquals(1e-5f, spec.norm().epsilon());
            assertTrue(spec.tiedHead());
            assertEquals(512, spec.maxPositions());
            // total_size of the index file is in bytes of fp32.
            assertEquals(23_081_984 / 4, checkpoint.parameters());
            assertEquals(1 + 6 * 9 + 1, checkpoint.tensors().size());
            assertTrue(checkpoint.tensor(TensorRole.HEAD, 0).isEmpty());
            assertTrue(checkpoint.tensor(TensorRole.QUERY_BIAS, 3).isEmpty());
            TensorInfo key = checkpoint.tensor(TensorRole.KEY, 5).orElseThrow();
            assertEquals("model.layers.5.self_attn.k_proj.weight", key.name());
            assertEquals(NumberFormat.FP32, key.format());
        }
        try (Checkpoint byFile = Checkpoints.open(folder.resolve("model-00002-of-00002.safetensors"))) {
            assertEquals(
                    folder.toAbsolutePath().normalize(),
                    byFile.path().toAbsolutePath().normalize());
        }
    }

    /** Counts and first ids: golden/prose-6m.json, made with the Python tokenizers library. */
    @Test
    void prose6mTokenizer() throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(SharedFiles.require("models/prose-6m"));
                Tokenizer tokenizer = checkpoint.tokenizer()) {
            String wiki = Files.readString(SharedFiles.require("text/wiki.test.raw"));
            int[] ids = tokenizer.encode(wiki, false);
            assertEquals(441_106, ids.length);
            assertArrayEquals(
                    new int[] {33, 11, 33, 62, 481, 112, 3183, 382, 269, 109, 369, 33}, Arrays.copyOf(ids, 12));
            assertEquals(wiki, tokenizer.decode(ids));
            int[] stories = tokenizer.encode(Files.readString(SharedFiles.require("text/heldout_stories.txt")), false);
            assertEquals(100_976, stories.length);
            assertArrayEquals(
                    new int[] {1040, 647, 259, 549, 458, 306, 259, 536, 816, 1507, 382, 112},
                    Arrays.copyOf(stories, 12));
            assertEquals(0, tokenizer.bos());
            assertFalse(tokenizer.addsBos());
            assertEquals(4096, tokenizer.vocabularySize());
        }
    }

    @Test
    void nothingIsTruncated() throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(SharedFiles.require("models/prose-6m"));
                Tokenizer tokenizer = checkpoint.tokenizer()) {
            String words = IntStream.range(0, 10_000).mapToObj(i -> "word").collect(Collectors.joining(" "));
            assertEquals(words, tokenizer.decode(tokenizer.encode(words, false)));
            assertEquals(words, tokenizer.decode(tokenizer.encode(words, true)));
        }
    }

    /** 239 windows of 256: what llama.cpp prints for this text after its own conversion (golden/stories260K.json). */
    @Test
    void stories260K() throws IOException {
        Path file = SharedFiles.require("models/stories260K/checkpoint_legacy.bin");
        String text = Files.readString(SharedFiles.require("text/stories_120k.txt"));
        for (Path path : new Path[] {file, file.getParent()}) {
            try (Checkpoint checkpoint = Checkpoints.open(path);
                    Tokenizer tokenizer = checkpoint.tokenizer()) {
                assertEquals(64, checkpoint.spec().hidden());
                assertEquals(5, checkpoint.spec().layers());
                assertEquals(4, checkpoint.spec().attention().kvHeads());
                assertTrue(checkpoint.parameters() > 250_000 && checkpoint.parameters() < 270_000);
                int[] ids = tokenizer.encode(text, true);
                assertEquals(239, ids.length / 256);
                assertEquals(tokenizer.bos(), ids[0]);
                assertTrue(tokenizer.addsBos());
                assertEquals(text, tokenizer.decode(ids));
                assertEquals(ids.length - 1, tokenizer.encode(text, false).length);
            }
        }
    }

    /** The embedding of this checkpoint is stored under lm_head.weight only, with a note in the metadata. */
    @Test
    void tinyStories656K() throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(SharedFiles.require("models/TinyStories-656K"));
                Tokenizer tokenizer = checkpoint.tokenizer()) {
            assertEquals(
                    "lm_head.weight",
                    checkpoint.tensor(TensorRole.EMBEDDING, 0).orElseThrow().name());
            assertTrue(checkpoint.tensor(TensorRole.HEAD, 0).isEmpty());
            assertEquals(1, tokenizer.bos());
            assertTrue(tokenizer.addsBos());
            // Python tokenizers 0.23.2.
            assertArrayEquals(
                    new int[] {1, 80, 147, 201, 282, 215, 286, 598, 629, 122},
                    tokenizer.encode("Once upon a time, there was a little girl named Lily.\n", true));
        }
    }
}
