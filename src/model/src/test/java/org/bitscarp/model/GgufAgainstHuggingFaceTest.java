package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built-in model as a GGUF file tokenizes as its folder does, where Hugging Face's library is at work. */
class GgufAgainstHuggingFaceTest {
    private static final String[] PIECES = {
        " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u0085", "'s", "'S", "'ll", "n't", "12", "3456", "½", "A",
                "the",
        " the", "Hello", "éß", "日本", "ひら", "한국", "\u0301", "ไทย", "😀", "👨\u200d👩", "$", "...", "…", "—", "\\", "_",
                "#",
        "<|endoftext|", "ﬁ", "\u00ad", "٣"
    };

    @TempDir
    Path folder;

    @Test
    void tokens() throws IOException {
        Path model = Path.of(System.getProperty("bitscarp.checkout", "../..")).resolve("datasets/models/prose-6m");
        try (Checkpoint source = Checkpoints.open(model);
                Tokenizer expected = source.tokenizer();
                Checkpoint converted = Checkpoints.open(
                        GgufConversion.write(source, NumberFormat.BF16, false, folder.resolve("m.gguf")));
                Tokenizer found = converted.tokenizer()) {
            assertEquals(source.parameters(), converted.parameters());
            for (long seed = 0; seed < 200; seed++) {
                SplittableRandom random = new SplittableRandom(seed);
                StringBuilder text = new StringBuilder();
                for (int i = random.nextInt(200); i > 0; i--) {
                    text.append(PIECES[random.nextInt(PIECES.length)]);
                }
                int[] ids = found.encode(text.toString(), false);
                assertArrayEquals(expected.encode(text.toString(), false), ids, "seed " + seed);
                assertEquals(text.toString(), found.decode(ids), "seed " + seed);
            }
        }
    }

    @Test
    void wholeArticle() throws IOException {
        String wiki = Files.readString(SharedFiles.require("text/wiki.test.raw"));
        Path model = Path.of(System.getProperty("bitscarp.checkout", "../..")).resolve("datasets/models/prose-6m");
        try (Checkpoint source = Checkpoints.open(model);
                Tokenizer expected = source.tokenizer();
                Checkpoint converted = Checkpoints.open(
                        GgufConversion.write(source, NumberFormat.FP16, false, folder.resolve("m.gguf")));
                Tokenizer found = converted.tokenizer()) {
            int[] ids = found.encode(wiki, false);
            assertEquals(441_106, ids.length);
            assertArrayEquals(expected.encode(wiki, false), ids);
        }
    }
}
