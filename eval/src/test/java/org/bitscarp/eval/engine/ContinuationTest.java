package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.generate.Sampler;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What levels write, one token at a time, is what scoring whole windows finds most likely. */
class ContinuationTest {
    private static final int WRITTEN = 8;
    private static final String LEVELS = "fp32,int8,int2:g32:search,ternary";

    private static List<int[]> prompts(int vocabulary) {
        SplittableRandom random = new SplittableRandom(5);
        return List.of(
                random.ints(9, 0, vocabulary).toArray(),
                random.ints(14, 0, vocabulary).toArray(),
                random.ints(9, 0, vocabulary).toArray());
    }

    private static List<List<int[]>> write(Checkpoint model, ContinuationPlan plan, int lanes, long memory)
            throws IOException {
        WindowPlan text = Measurements.plan(
                new SplittableRandom(1).ints(64, 0, model.spec().vocabulary()).toArray(), 32);
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, lanes)) {
            Sweep sweep = new Sweep(
                            model,
                            Measurements.resources(backend, memory),
                            text,
                            null,
                            Recipe.of(model, Level.parseList(LEVELS)))
                    .letWrite(plan);
            sweep.run();
            return sweep.written();
        }
    }

    /** Scores a prompt and its continuation as one window: each greedy token must have been the most likely one. */
    @ParameterizedTest
    @ValueSource(
            strings = {"llama-gqa", "gemma2", "gpt2", "mixtral", "phi3-partial-rotary", "gptneox", "mistral-window"})
    void greedyTextIsWhatWholeWindowsFindMostLikely(String fixture) throws IOException {
        Path folder = Path.of("src/test/resources/fixtures").resolve(fixture);
        try (Checkpoint model = Checkpoints.open(folder)) {
            int vocabulary = model.spec().vocabulary();
            ContinuationPlan plan = new ContinuationPlan(prompts(vocabulary), List.of(Sampler.GREEDY), WRITTEN);
            List<int[]> texts = write(model, plan, 2, Measurements.PLENTY).getFirst();
            for (int p = 0; p < plan.prompts().size(); p++) {
                int[] whole = concat(plan.prompts().get(p), texts.get(p));
                for (int t = 0; t < WRITTEN; t++) {
                    int length = plan.prompts().get(p).length + t;
                    double chosen = nll(model, Arrays.copyOf(whole, length), whole[length]);
                    SplittableRandom random = new SplittableRandom(t);
                    for (int other = 0; other < 3; other++) {
                        int token = random.nextInt(vocabulary);
                        double rival = nll(model, Arrays.copyOf(whole, length), token);
                        assertFalse(
                                rival < chosen - 1e-4,
                                "prompt " + p + ", token " + t + ": " + token + " has " + rival
                                        + " nats, the written one " + chosen);
                    }
                }
            }
        }
    }

    private static int[] concat(int[] a, int[] b) {
        int[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    private static double nll(Checkpoint model, int[] context, int next) throws IOException {
        WindowPlan plan = Measurements.plan(concat(context, new int[] {next}), context.length + 1);
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 1)) {
            double[] scores = Measurements.run(model, backend, plan, "fp32", Measurements.PLENTY)
                    .getFirst()
                    .scores()
                    .nll();
            return scores[context.length - 1];
        }
    }

    @Test
    void neitherThreadsNorMemoryChangeWhatIsWritten() throws IOException {
        try (Checkpoint model = Checkpoints.open(Measurements.builtinModel())) {
            ContinuationPlan plan =
                    new ContinuationPlan(prompts(4096), List.of(Sampler.GREEDY, new Sampler(0.8f, 0.95, 7)), WRITTEN);
            List<List<int[]>> plenty = write(model, plan, 2, Measurements.PLENTY);
            List<List<int[]>> little = write(model, plan, 1, 0);
            assertEquals(4, plenty.size());
            for (int level = 0; level < plenty.size(); level++) {
                assertEquals(6, plenty.get(level).size());
                for (int s = 0; s < 6; s++) {
                    assertArrayEquals(
                            plenty.get(level).get(s), little.get(level).get(s));
                }
            }
            List<Integer> agreement = new ArrayList<>();
            for (int s = 0; s < 6; s++) {
                agreement.add(
                        Arrays.mismatch(plenty.get(0).get(s), plenty.get(1).get(s)));
            }
            assertEquals(
                    6,
                    agreement.stream().filter(a -> a < 0 || a >= 2).count(),
                    "8 bits begin as full precision does, sampled texts too: " + agreement);
        }
    }
}
