package org.bitscarp.model.internal.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.model.SharedFiles;
import org.bitscarp.model.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Vocabularies of published models with llama.cpp's own test vectors ({@code models/ggml-vocab-*.gguf}). */
class GgmlVocabTest {
    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    private static Path vocabulary(String name) {
        return SharedFiles.require("tokenizers/ggml-vocab/ggml-vocab-" + name + ".gguf");
    }

    static Tokenizer open(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            return GgufTokenizers.open(GgufHeader.read(file, channel).metadata(), 1 << 20);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "llama-spm", "phi-3"})
    void encodesAsLlamaCpp(String name) throws IOException {
        Path file = vocabulary(name);
        // The last input has no separator after it, and may end in one.
        String[] inputs = Files.readString(Path.of(file + ".inp")).split(SEPARATOR, -1);
        List<String> outputs = Files.readAllLines(Path.of(file + ".out"));
        assertTrue(outputs.size() > 40, "vectors");
        try (Tokenizer tokenizer = open(file)) {
            for (int i = 0; i < outputs.size(); i++) {
                int[] expected = Arrays.stream(outputs.get(i).strip().split(" "))
                        .filter(s -> !s.isEmpty())
                        .mapToInt(Integer::parseInt)
                        .toArray();
                int[] found = tokenizer.encode(inputs[i], false);
                assertArrayEquals(expected, found, () -> name + ": " + Arrays.toString(found));
                assertEquals(inputs[i], tokenizer.decode(found));
            }
        }
    }

    @Test
    void llamaAddsBos() throws IOException {
        try (Tokenizer tokenizer = open(vocabulary("llama-spm"))) {
            assertTrue(tokenizer.addsBos());
            assertArrayEquals(new int[] {1, 15043}, tokenizer.encode("Hello", true));
            assertArrayEquals(new int[] {1}, tokenizer.encode("", true));
            assertEquals(32_000, tokenizer.vocabularySize());
        }
    }
}
