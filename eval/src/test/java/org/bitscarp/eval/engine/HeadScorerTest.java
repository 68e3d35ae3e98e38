package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.TinyTokenizer;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Scores of given hidden states, from an output projection in several slices. */
class HeadScorerTest {
    private static final int VOCABULARY = 300;
    private static final int HIDDEN = 256;
    private static final int CONTEXT = 11;
    /** The last slice is a short one, and a tile of the kernels is longer than one. */
    private static final int SLICE = 77;
    /** Half of it does not hold the whole projection and the states; all of it holds a slice and everything else. */
    private static final long LITTLE = 700_000;

    private static final long PLENTY = 1 << 26;
    /** Logits of some units are sums of 256 products; a likelihood is a difference of two values, a divergence of more. */
    private static final double FP32 = 1e-4;
    /** Operands rounded to 8 bits of mantissa: 2⁻⁹ of each product, which add up as √256 of them. */
    private static final double BF16 = 0.1;

    @TempDir
    Path folder;

    private Checkpoint checkpoint;
    private long peak;
    private final WindowPlan plan = Measurements.plan(
            new SplittableRandom(3).ints(4 * CONTEXT, 0, VOCABULARY).toArray(), CONTEXT);

    @BeforeEach
    void open() throws IOException {
        Path model = new TinyLlama()
                .vocabulary(VOCABULARY)
                .hidden(HIDDEN)
                .layers(1)
                .seed(12)
                .write(Files.createDirectories(folder.resolve("model")));
        Files.writeString(model.resolve("tokenizer.json"), TinyTokenizer.json(false));
        checkpoint = Checkpoints.open(model);
    }

    @AfterEach
    void close() {
        checkpoint.close();
    }

    /** States that differ more and more from the first level's. */
    private List<TokenScores> score(Backend backend, int slice, String levels) throws IOException {
        List<LevelTally> tallies = new ArrayList<>();
        for (Recipe recipe : Recipe.of(checkpoint, Level.parseList(levels))) {
            tallies.add(new LevelTally(recipe, null, plan.rows(), 1));
        }
        try (Arena arena = Arena.ofShared();
                Lanes lanes = new Lanes(2);
                HiddenStates states =
                        new HiddenStates(tallies.size(), plan.rows(), HIDDEN, Measurements.PLENTY, folder)) {
            int n = plan.rows() * HIDDEN;
            MemorySegment values = arena.allocate(4L * n, 4);
            SplittableRandom random = new SplittableRandom(8);
            for (int level = 0; level < tallies.size(); level++) {
                for (int i = 0; i < n; i++) {
                    float before = values.getAtIndex(ValueLayout.JAVA_FLOAT, i);
                    double change = (level == 0 ? 4 : 0.3) * (random.nextDouble() - 0.5);
                    values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (before + change));
                }
                states.write(level, 0, plan.rows(), values);
            }
            HeadScorer.Source source = new HeadScorer.Source(checkpoint, new WeightReader(checkpoint, lanes));
            new HeadScorer(backend, level -> source, lanes, slice).run(plan, tallies, states, (level, nanos) -> {});
        }
        return tallies.stream().map(tally -> tally.scores).toList();
    }

    private List<TokenScores> onDevice(ComputeType compute, long memory, int slice, String levels) throws IOException {
        try (CudaBackend backend = new CudaBackend(GpuDevices.emulated(), memory, compute, 1)) {
            List<TokenScores> scores = score(backend, slice, levels);
            peak = backend.peakMemory();
            return scores;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"fp32", "fp32,int4,bf16"})
    void whatADeviceHoldsChangesNoBit(String levels) throws IOException {
        List<TokenScores> all = onDevice(ComputeType.FP32, PLENTY, SLICE, levels);
        long whole = peak;
        List<TokenScores> slices = onDevice(ComputeType.FP32, LITTLE, SLICE, levels);
        assertTrue(whole - peak >= 4L * (VOCABULARY - SLICE) * HIDDEN, whole + " and " + peak + " bytes");
        for (int level = 0; level < all.size(); level++) {
            assertArrayEquals(all.get(level).nll(), slices.get(level).nll());
            assertArrayEquals(all.get(level).kld(), slices.get(level).kld());
            assertArrayEquals(all.get(level).confidence(), slices.get(level).confidence());
            assertArrayEquals(all.get(level).sameTop1(), slices.get(level).sameTop1());
            assertArrayEquals(all.get(level).sharedTop5(), slices.get(level).sharedTop5());
        }
    }

    @Test
    void scoresAreThoseOfOneSliceOnTheCpu() throws IOException {
        String levels = "fp32,int4,bf16";
        List<TokenScores> expected;
        try (Backend cpu = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2)) {
            expected = score(cpu, VOCABULARY, levels);
            near(expected, score(cpu, SLICE, levels), FP32);
        }
        near(expected, onDevice(ComputeType.FP32, PLENTY, SLICE, levels), FP32);
        near(expected, onDevice(ComputeType.BF16, LITTLE, SLICE, levels), BF16);
    }

    private void near(List<TokenScores> expected, List<TokenScores> found, double tolerance) {
        int sharing = 0;
        for (int level = 0; level < expected.size(); level++) {
            for (int row : plan.scoredRows(0)) {
                String where = "level " + level + ", row " + row;
                TokenScores e = expected.get(level);
                TokenScores f = found.get(level);
                assertTrue(Math.abs(e.nll()[row] - f.nll()[row]) <= tolerance, where + ": " + e.nll()[row]);
                assertTrue(Math.abs(e.kld()[row] - f.kld()[row]) <= tolerance, where + ": " + e.kld()[row]);
                assertTrue(level == 0 == (e.kld()[row] == 0), where + " diverges");
                sharing += e.sharedTop5()[row] == f.sharedTop5()[row] ? 1 : 0;
            }
        }
        int all = expected.size() * plan.scoredRows(0).length;
        assertTrue(sharing >= 0.9 * all, "likely tokens agree in " + sharing + " of " + all);
    }
}
