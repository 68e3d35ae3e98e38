package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.ScalarBackend;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.stats.DivergenceSpread;
import org.bitscarp.eval.stats.MeanDivergence;
import org.bitscarp.eval.stats.Perplexity;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.Tokenizer;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Divergence token by token and its statistics against a float64 forward pass and numpy; provenance in the file. */
class DivergenceGoldenTest {
    private static final Path EXPECTED = Path.of("src/test/resources/divergence/expected.json");
    private static final Path MODEL = Path.of("src/test/resources/fixtures/llama-gqa");
    /** What is asked of statistics. */
    private static final double STATISTIC = 1e-6;
    /** Of one token's log-likelihood: what fp32 forward passes of this model and float64 differ by in a logit, twice. */
    private static final double TOKEN = 2e-5;

    @Test
    void divergencesAreThoseOfDoublePrecision() throws IOException {
        check(new ScalarBackend());
        check(CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2));
    }

    private static void check(Backend backend) throws IOException {
        JsonNode expected = JsonMapper.shared().readTree(Files.readString(EXPECTED));
        int[] tokens =
                expected.get("tokens").valueStream().mapToInt(JsonNode::asInt).toArray();
        List<String> names = List.copyOf(expected.get("levels").propertyNames());
        try (backend;
                Checkpoint checkpoint = Checkpoints.open(MODEL)) {
            WindowPlan plan = Measurements.plan(tokens, expected.get("context").asInt());
            List<LevelResult> results =
                    Measurements.run(checkpoint, backend, plan, "fp32," + String.join(",", names), Measurements.PLENTY);
            TokenScores reference = results.getFirst().scores();
            for (int l = 0; l < names.size(); l++) {
                check(
                        backend.name() + " " + names.get(l),
                        expected.get("levels").get(names.get(l)),
                        results.get(l + 1).scores(),
                        reference,
                        plan.scoredRows(0));
            }
        }
    }

    private static void check(String what, JsonNode expected, TokenScores scores, TokenScores reference, int[] rows) {
        for (int i = 0; i < rows.length; i++) {
            JsonNode kld = expected.get("kld").get(i);
            near(what + " KL of token " + i, kld, scores.kld()[rows[i]], ofOneToken(kld.asDouble()));
            near(what + " NLL of token " + i, expected.get("nll").get(i), scores.nll()[rows[i]], TOKEN);
        }
        MeanDivergence mean = MeanDivergence.of(scores.kld(), scores.sameTop1(), rows);
        near(what + " mean", expected.get("kld_mean"), mean.mean(), STATISTIC);
        near(what + " top-1", expected.get("same_top1"), mean.sameTop1(), 1e-12);
        DivergenceSpread spread = DivergenceSpread.of(
                scores.kld(),
                scores.sameTop1(),
                scores.sharedTop5(),
                scores.nll(),
                reference.nll(),
                reference.confidence(),
                rows);
        for (int i = 0; i < spread.kld().length; i++) {
            JsonNode quantile = expected.get("kld_percentiles").get(i);
            near(what + " quantile " + i, quantile, spread.kld()[i], ofOneToken(quantile.asDouble()));
            near(
                    what + " quantile of Δp " + i,
                    expected.get("delta_p_percentiles").get(i),
                    spread.probabilities()[i],
                    STATISTIC);
        }
        near(what + " least", expected.get("kld_min"), spread.least(), STATISTIC);
        near(what + " greatest", expected.get("kld_max"), spread.greatest(), ofOneToken(spread.greatest()));
        near(what + " top-5", expected.get("same_top5"), spread.sharedTop5(), 1e-12);
        near(what + " Δp", expected.get("delta_p_mean"), spread.probability(), STATISTIC);
        near(what + " Δp RMS", expected.get("delta_p_rms"), spread.probabilityRms(), STATISTIC);
        for (int b = 0; b < spread.buckets().size(); b++) {
            DivergenceSpread.Bucket bucket = spread.buckets().get(b);
            assertEquals(expected.get("bucket_tokens").get(b).asLong(), bucket.tokens());
            near(what + " bucket " + b, expected.get("bucket_kld").get(b), bucket.kldMean(), STATISTIC);
        }
    }

    /**
     * A divergence of d nats changes by about √(2d) times the error of the logits (Pinsker). That error is the fp32 forward
     * pass's; of given logits the divergence is that of float64 to 10⁻⁶, see BackendContract.
     */
    private static double ofOneToken(double d) {
        return Math.max(STATISTIC, TOKEN / 2 * Math.sqrt(2 * d));
    }

    private static void near(String what, JsonNode expected, double found, double tolerance) {
        double error = Math.abs(expected.asDouble() - found);
        assertTrue(error <= tolerance, what + ": expected " + expected + " found " + found + ", off by " + error);
    }

    /**
     * llama-perplexity --kl-divergence (August 2026) on the built-in model and text, chunks of 512, after four of them:
     * the model in F32 against its Q4_0 twin (llama-quantize --pure, F16 embedding) decoded to F32. Its base file rounds
     * log-probabilities to steps of 16 nats in 65535, and four chunks are printed with five decimals.
     */
    @Test
    void divergencesAreThoseOfLlamaCpp() throws IOException {
        String text = Files.readString(Measurements.checkout().resolve("datasets/text/evaluation.txt"));
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2);
                Checkpoint checkpoint = Checkpoints.open(Measurements.builtinModel());
                Tokenizer tokenizer = checkpoint.tokenizer()) {
            int[] tokens = Arrays.copyOf(tokenizer.encode(text, true), 4 * 512);
            WindowPlan plan = new WindowPlan(
                    tokens,
                    tokenizer.bos(),
                    tokenizer.addsBos(),
                    List.of(Protocol.of(Protocol.Kind.LLAMA_CPP, 512, 0)));
            List<LevelResult> results = Measurements.run(checkpoint, backend, plan, "fp32,q4_0", Measurements.PLENTY);
            TokenScores reference = results.getFirst().scores();
            TokenScores scores = results.getLast().scores();
            int[] rows = plan.scoredRows(0);
            assertEquals(4 * 255, rows.length);
            MeanDivergence mean = MeanDivergence.of(scores.kld(), scores.sameTop1(), rows);
            double[] both = {
                Perplexity.of(scores.nll(), rows).value(),
                Perplexity.of(reference.nll(), rows).value()
            };
            assertEquals(65.0189, both[0], 5e-4, "perplexity");
            assertEquals(0.00404, Math.log(both[0] / both[1]), 1e-5, "log ratio");
            assertEquals(0.00368, mean.mean(), 1e-5, "KL");
            assertEquals(0.00011, mean.stderr(), 1e-5, "error of KL");
            assertEquals(94.412, 100 * mean.sameTop1(), 1e-3, "same top");
            DivergenceSpread spread = DivergenceSpread.of(
                    scores.kld(),
                    scores.sameTop1(),
                    scores.sharedTop5(),
                    scores.nll(),
                    reference.nll(),
                    reference.confidence(),
                    rows);
            assertEquals(1.099, 100 * spread.probabilityRms(), 2e-3, "Δp RMS");
        }
    }

    @Test
    void theNoiseFloorIsSmallSeededAndIndependentOfThreads() throws IOException {
        int[] tokens = new int[256];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = 3 + i * 37 % 61;
        }
        double[] one = noise(tokens, 1, 5);
        double[] two = noise(tokens, 3, 5);
        org.junit.jupiter.api.Assertions.assertArrayEquals(one, two, "threads");
        double[] other = noise(tokens, 1, 6);
        double mean = 0;
        boolean differs = false;
        for (int i = 0; i < one.length; i++) {
            if (Double.isFinite(one[i])) {
                mean += one[i] / one.length;
                differs |= one[i] != other[i];
            }
        }
        assertTrue(differs, "the seed counts");
        assertTrue(mean > 1e-8 && mean < 1e-3, "mean divergence " + mean);
    }

    private static double[] noise(int[] tokens, int threads, long seed) throws IOException {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, threads);
                Checkpoint checkpoint = Checkpoints.open(MODEL)) {
            Sweep sweep = new Sweep(
                            checkpoint,
                            Measurements.resources(backend),
                            Measurements.plan(tokens, 32),
                            null,
                            Recipe.of(checkpoint, org.bitscarp.quant.Level.parseList("fp32,bf16")))
                    .withNoiseFloor(new RoundingNoise(RoundingNoise.BF16, seed));
            assertEquals(2, sweep.run().size());
            return sweep.noiseFloor().scores().kld();
        }
    }
}
