package org.bitscarp.eval.scores;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.bitscarp.eval.engine.TokenScores;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreFileTest {
    private static final long SEED = 99;

    @TempDir
    Path folder;

    private static ScoreFile sample(int n) {
        SplittableRandom random = new SplittableRandom(SEED);
        TokenScores scores = TokenScores.unscored(n);
        for (int i = 0; i < n; i++) {
            scores.nll()[i] =
                    i == 3 ? Double.NaN : i == 4 ? Double.POSITIVE_INFINITY : (float) (10 * random.nextDouble());
            scores.kld()[i] = (float) (random.nextDouble() - 0.01);
            scores.confidence()[i] = (float) random.nextDouble();
            scores.sameTop1()[i] = random.nextBoolean();
            scores.sharedTop5()[i] = (byte) random.nextInt(6);
        }
        return new ScoreFile(ScoreFile.positions("text", "tokenizer"), "int4:g64:asym", scores);
    }

    @Test
    void whatIsWrittenReadsBack() throws IOException {
        for (int n : new int[] {0, 1, 1000}) {
            ScoreFile written = sample(n);
            Path file = folder.resolve(ScoreFile.name(written.level()));
            written.write(file);
            assertEquals(80 + 13 + 13L * n, Files.size(file));
            ScoreFile read = ScoreFile.read(file);
            assertEquals(written.positions(), read.positions());
            assertEquals(written.level(), read.level());
            assertArrayEquals(written.scores().nll(), read.scores().nll());
            assertArrayEquals(written.scores().kld(), read.scores().kld());
            assertArrayEquals(written.scores().confidence(), read.scores().confidence());
            assertArrayEquals(written.scores().sameTop1(), read.scores().sameTop1());
            assertArrayEquals(written.scores().sharedTop5(), read.scores().sharedTop5());
        }
    }

    @Test
    void damageIsNoticedAndNamed() throws IOException {
        Path file = folder.resolve("level.bin");
        sample(50).write(file);
        byte[] sound = Files.readAllBytes(file);
        SplittableRandom random = new SplittableRandom(SEED);
        for (int trial = 0; trial < 500; trial++) {
            byte[] damaged =
                    trial % 3 == 0 ? java.util.Arrays.copyOf(sound, random.nextInt(sound.length)) : sound.clone();
            int at = damaged.length == 0 ? 0 : random.nextInt(damaged.length);
            // The hash of the positions is compared by those who pair files.
            if (trial % 3 != 0 && (at < 8 || at >= 40)) {
                damaged[at] ^= (byte) (1 << random.nextInt(8));
            } else if (trial % 3 != 0) {
                continue;
            }
            Files.write(file, damaged);
            String message = assertThrows(IOException.class, () -> ScoreFile.read(file), "trial " + trial)
                    .getMessage();
            assertTrue(message.contains("level.bin"), message);
        }
    }

    @Test
    void namesOfLevelsBecomeNamesOfFiles() {
        assertEquals("int4+g64+asym.bin", ScoreFile.name("int4:g64:asym"));
        assertEquals("q4_k_m.bin", ScoreFile.name("q4_k_m"));
        assertEquals("%2E%2E%2Fx.bin".replace("%2E", "."), ScoreFile.name("../x"));
        assertNotEquals(ScoreFile.name("a b"), ScoreFile.name("a_b"));
    }
}
