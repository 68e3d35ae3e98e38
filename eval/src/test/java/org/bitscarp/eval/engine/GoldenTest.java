package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.datasets.TokenizedText;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.stats.Perplexity;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.SharedFiles;
import org.bitscarp.model.Tokenizer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Perplexities that PyTorch and llama.cpp found, on texts beside the checkout ({@code ../shared}); skipped with a message
 * where that folder is absent.
 */
class GoldenTest {
    /** Full precision within 0.02 %, round-to-nearest levels within 0.1 %. */
    private static final double FULL_PRECISION = 2e-4;

    private static final double QUANTIZED = 1e-3;

    private static Path shared() {
        return SharedFiles.require("golden").getParent();
    }

    @TestFactory
    Stream<DynamicTest> pyTorch() throws IOException {
        Path shared = shared();
        JsonNode golden = JsonMapper.shared().readTree(Files.readString(shared.resolve("golden/prose-6m.json")));
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode row : golden.get("pytorch")) {
            String level = row.get("level").asString();
            if (!level.contains("gptq")) {
                String name = level + " on " + row.get("text").asString();
                tests.add(DynamicTest.dynamicTest(name, () -> check(shared, row, level)));
            }
        }
        assertEquals(12, tests.size(), "rows of the golden file");
        return tests.stream();
    }

    private static void check(Path shared, JsonNode row, String level) throws IOException {
        int context = row.get("context").asInt();
        Path text = shared.resolve("text").resolve(row.get("text").asString());
        List<Protocol> protocols =
                List.of(Protocol.of(Protocol.Kind.GPTQ, context, 0), Protocol.of(Protocol.Kind.LLAMA_CPP, context, 0));
        List<Perplexity> found =
                measure(Measurements.builtinModel(), text, row.get("windows").asInt() * context, protocols, level);
        double tolerance = level.startsWith("int") ? QUANTIZED : FULL_PRECISION;
        JsonNode expected = row.get("perplexity");
        JsonNode scored = row.get("tokens_scored");
        for (int p = 0; p < 2; p++) {
            String protocol = protocols.get(p).kind().text();
            assertEquals(scored.get(protocol).asLong(), found.get(p).count());
            double perplexity = expected.get(protocol).asDouble();
            assertEquals(perplexity, found.get(p).value(), perplexity * tolerance, protocol);
        }
    }

    /**
     * GPTQ's original implementation in PyTorch with the same calibration windows. A change of one part in a million in the
     * weights turns roundings over and moves its own perplexity by up to 0.5 % at 3 bits ({@code bench/RESULTS.md}), so that
     * no more than this can be asked there; below it is better.
     */
    @Test
    void gptqInPyTorch() throws IOException {
        Path shared = shared();
        JsonNode golden = JsonMapper.shared().readTree(Files.readString(shared.resolve("golden/prose-6m.json")));
        try (Checkpoint checkpoint = Checkpoints.open(Measurements.builtinModel());
                Tokenizer tokenizer = checkpoint.tokenizer();
                CpuBackend backend = preferred()) {
            WindowPlan plan = windows(checkpoint, tokenizer, shared.resolve("text/wiki.test.raw"), 100);
            WindowPlan calibration = windows(checkpoint, tokenizer, shared.resolve("text/calibration/wiki.utf8"), 128);
            List<LevelResult> results = Measurements.run(
                    checkpoint,
                    backend,
                    plan,
                    calibration,
                    "int4:g64:gptq-published,int3:g64:gptq-actorder",
                    Measurements.PLENTY);
            double int4 = original(golden, "int4:g64:asym:gptq");
            assertEquals(int4, perplexity(results.get(0), plan), 3e-3 * int4);
            double int3 = perplexity(results.get(1), plan);
            double limit = 1.005 * original(golden, "int3:g64:asym:gptq:actorder:static");
            assertTrue(int3 <= limit, int3 + " against " + limit);
        }
    }

    /**
     * Mean divergence from full precision that algorithm 1 of the GPTQ paper has in PyTorch 2.13 (fp32, scales rounded to
     * fp16, grids fitted to updated weights, true-sequential, damping 0.01, static groups with activation order), 32
     * calibration and 40 evaluation windows of 512.
     */
    private static final Map<String, Double> DIVERGENCE = Map.ofEntries(
            Map.entry("int4:g64:gptq-published", 0.002299),
            Map.entry("int4:g64:gptq-actorder", 0.002232),
            Map.entry("int4:gptq-published", 0.003126),
            Map.entry("int4:gptq-actorder", 0.002643),
            Map.entry("int4:row:gptq-published", 0.004039),
            Map.entry("int4:row:gptq-actorder", 0.003561),
            Map.entry("int3:g64:gptq-published", 0.012083),
            Map.entry("int3:g64:gptq-actorder", 0.010775),
            Map.entry("int3:gptq-published", 0.014424),
            Map.entry("int3:gptq-actorder", 0.012781),
            Map.entry("int3:row:gptq-published", 0.018393),
            Map.entry("int3:row:gptq-actorder", 0.016823),
            Map.entry("int2:g64:gptq-published", 0.086363),
            Map.entry("int2:g64:gptq-actorder", 0.072853),
            Map.entry("int2:gptq-published", 0.103179),
            Map.entry("int2:gptq-actorder", 0.090485),
            Map.entry("int2:row:gptq-published", 0.124138),
            Map.entry("int2:row:gptq-actorder", 0.112143));

    /** The greatest difference between two runs in PyTorch that differ by a millionth of the weights is 2.1 %; see there. */
    private static final double CHANCE = 0.1;

    /** Three of the levels; all with {@code -Dbitscarp.golden=all}. */
    @Test
    void gptqOverBitsGroupsAndOrders() throws IOException {
        Path shared = shared();
        List<String> levels = "all".equals(System.getProperty("bitscarp.golden"))
                ? DIVERGENCE.keySet().stream().sorted().toList()
                : List.of("int4:row:gptq-published", "int3:gptq-actorder", "int2:g64:gptq-published");
        try (Checkpoint checkpoint = Checkpoints.open(Measurements.builtinModel());
                Tokenizer tokenizer = checkpoint.tokenizer();
                CpuBackend backend = preferred()) {
            WindowPlan plan = windows(checkpoint, tokenizer, shared.resolve("text/wiki.test.raw"), 40);
            WindowPlan calibration = windows(checkpoint, tokenizer, shared.resolve("text/calibration/wiki.utf8"), 32);
            List<LevelResult> results = Measurements.run(
                    checkpoint, backend, plan, calibration, "fp32," + String.join(",", levels), Measurements.PLENTY);
            for (int l = 0; l < levels.size(); l++) {
                double[] kld = results.get(l + 1).scores().kld();
                double mean = Arrays.stream(plan.scoredRows(0))
                        .mapToDouble(row -> kld[row])
                        .average()
                        .orElseThrow();
                double expected = DIVERGENCE.get(levels.get(l));
                assertEquals(expected, mean, CHANCE * expected, levels.get(l));
            }
        }
    }

    /** With second moments as a user gets them. */
    private static CpuBackend preferred() {
        return CpuBackend.create(
                CpuBackend.MatrixProduct.AUTO, Runtime.getRuntime().availableProcessors(), Optional.empty());
    }

    private static double original(JsonNode golden, String level) {
        for (JsonNode row : golden.get("pytorch")) {
            if (row.get("level").asString().equals(level)) {
                return row.get("perplexity").get("gptq").asDouble();
            }
        }
        throw new AssertionError("the golden file has no " + level);
    }

    private static double perplexity(LevelResult result, WindowPlan plan) {
        return Perplexity.of(result.scores().nll(), plan.scoredRows(0)).value();
    }

    private static WindowPlan windows(Checkpoint checkpoint, Tokenizer tokenizer, Path text, int count)
            throws IOException {
        TokenizedText tokens = TokenizedText.of(
                new Corpus("golden", Files.readString(text)),
                tokenizer,
                checkpoint.spec().vocabulary(),
                512 * count);
        return Measurements.plan(tokens.tokens(), 512);
    }

    @Test
    void llamaCppOnItsOwnKindOfCheckpoint() throws IOException {
        Path shared = shared();
        JsonNode golden = JsonMapper.shared().readTree(Files.readString(shared.resolve("golden/stories260K.json")));
        JsonNode row = golden.get("rows").get(0);
        int context = row.get("context").asInt();
        List<Perplexity> found = measure(
                shared.resolve(golden.get("model").asString()),
                shared.resolve(row.get("text").asString()),
                Integer.MAX_VALUE,
                List.of(Protocol.of(Protocol.Kind.LLAMA_CPP, context, 0)),
                "fp32");
        double perplexity = row.get("perplexity").asDouble();
        assertEquals(perplexity, found.getFirst().value(), perplexity * FULL_PRECISION);
        assertEquals(row.get("stderr").asDouble(), found.getFirst().stderr(), 1e-4);
        assertEquals(row.get("chunks").asLong() * 127, found.getFirst().count());
    }

    private static List<Perplexity> measure(
            Path model, Path text, int maxTokens, List<Protocol> protocols, String level) throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(model);
                Tokenizer tokenizer = checkpoint.tokenizer();
                CpuBackend backend = CpuBackend.create()) {
            TokenizedText tokens = TokenizedText.of(
                    new Corpus("golden", Files.readString(text)),
                    tokenizer,
                    checkpoint.spec().vocabulary(),
                    maxTokens);
            WindowPlan plan = new WindowPlan(tokens.tokens(), tokenizer.bos(), tokenizer.addsBos(), protocols);
            LevelResult result = Measurements.run(checkpoint, backend, plan, level, Measurements.PLENTY)
                    .getFirst();
            List<Perplexity> found = new ArrayList<>();
            for (int p = 0; p < protocols.size(); p++) {
                found.add(Perplexity.of(result.scores().nll(), plan.scoredRows(p)));
            }
            return found;
        }
    }
}
