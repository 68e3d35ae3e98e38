package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.model.CharacterTokenizer;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ModelDigests;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.export.GgufConvert;
import org.bitscarp.model.export.GgufModel;
import org.bitscarp.model.export.HuggingFaceConvert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The models of {@link TransformersFixtureTest} as GGUF files score as transformers does; llama.cpp scores these files
 * alike (bench/RESULTS.md). Those that llama.cpp computes differently are refused with the reason.
 */
class GgufFixtureTest {
    private static final Map<String, String> REFUSED = Map.ofEntries(
            Map.entry("bitnet", "activation RELU_SQUARED"),
            Map.entry("gemma2", "attention scores scaled by"),
            Map.entry("gemma2-nocaps", "windows in other layers"),
            Map.entry("gemma3", "attention scores scaled by"),
            Map.entry("gpt2-inner", "activation RELU"),
            Map.entry("llama-f64-sharded", "is stored as FP64, for which GGUF has no type"),
            Map.entry("opt", "no architecture for OPTForCausalLM"),
            Map.entry("opt-nobias", "no architecture for OPTForCausalLM"),
            Map.entry("opt-postnorm", "no architecture for OPTForCausalLM"),
            Map.entry("qwen2-window", "windows in other layers"),
            Map.entry("qwen3-bias", "OUTPUT_BIAS"),
            Map.entry("qwen3-moe-sparse-step", "experts whose weights do not sum to 1"));

    private static final int CONTEXT = 48;

    /** llama.cpp asks for biases that this model lacks; they come back as zeros. */
    private static final String ZERO_BIASES = "gptneox-sequential";

    @TempDir
    Path folder;

    static Stream<Path> written() throws IOException {
        return TransformersFixtureTest.fixtures().filter(f -> !REFUSED.containsKey(name(f)));
    }

    static Stream<Path> refused() throws IOException {
        return TransformersFixtureTest.fixtures().filter(f -> REFUSED.containsKey(name(f)));
    }

    private static String name(Path fixture) {
        return fixture.getFileName().toString();
    }

    private Path withTokenizer(Path fixture) throws IOException {
        JsonNode config = JsonMapper.shared().readTree(Files.readString(fixture.resolve("config.json")));
        return CharacterTokenizer.copyWith(
                fixture, folder.resolve(name(fixture)), config.get("vocab_size").asInt());
    }

    private Path convert(Path model) throws IOException {
        Path file = folder.resolve(name(model) + ".gguf");
        try (Checkpoint source = Checkpoints.open(model)) {
            GgufConvert.convert(GgufModel.of(source), file, false, "test");
        }
        return file;
    }

    @ParameterizedTest
    @MethodSource("written")
    void scoresAsTransformers(Path fixture) throws IOException {
        Path file = convert(withTokenizer(fixture));
        TransformersFixtureTest.check(file, fixture, CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2));
        try (Checkpoint original = Checkpoints.open(fixture);
                Checkpoint written = Checkpoints.open(file)) {
            CompareChecks.sameShape(original, written);
        }
        Path back = back(file);
        TransformersFixtureTest.check(back, fixture, CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2));
        assertEquals(ModelDigests.of(file), ModelDigests.of(back));
        assertEquals(!name(fixture).equals(ZERO_BIASES), tensors(fixture).equals(tensors(back)));
    }

    /** Type, shape and bytes of all tensors. */
    private static Map<String, String> tensors(Path model) throws IOException {
        Map<String, String> tensors = new TreeMap<>();
        try (Checkpoint checkpoint = Checkpoints.open(model);
                Arena arena = Arena.ofShared()) {
            for (TensorInfo tensor : checkpoint.tensors()) {
                byte[] bytes = checkpoint.map(tensor, 0, tensor.rows(), arena).toArray(ValueLayout.JAVA_BYTE);
                tensors.put(tensor.name(), tensor.format() + " " + tensor.shape() + " " + Arrays.hashCode(bytes));
            }
        }
        return tensors;
    }

    /** The file as a Hugging Face folder again. */
    private Path back(Path file) throws IOException {
        Path target = folder.resolve(file.getFileName() + "-back");
        try (Checkpoint written = Checkpoints.open(file)) {
            HuggingFaceConvert.convert(written, target, false);
        }
        return target;
    }

    /** As the changed folders themselves. */
    @Test
    void changedToWhatLlamaCppComputes() throws IOException {
        for (String name : LlamaCppVariants.CHANGED) {
            Path model = LlamaCppVariants.copy(name, folder.resolve(name));
            double[] expected = scores(model);
            Path file = convert(model);
            same(name, expected, scores(file));
            Path back = back(file);
            same(name + " and back", expected, scores(back));
            assertEquals(ModelDigests.of(model), ModelDigests.of(back), name);
        }
    }

    private static void same(String name, double[] expected, double[] found) {
        for (int i = 0; i < expected.length; i++) {
            if (i % CONTEXT == CONTEXT - 1) {
                // The last token of a window predicts nothing.
                continue;
            }
            double error = Math.abs(expected[i] - found[i]);
            // The rotation's base is written in single precision.
            assertTrue(error <= 1e-5, name + ", token " + i + ": " + expected[i] + " and " + found[i]);
        }
    }

    private static double[] scores(Path model) throws IOException {
        int[] tokens = new SplittableRandom(3).ints(2 * CONTEXT, 0, 95).toArray();
        try (Checkpoint checkpoint = Checkpoints.open(model);
                CpuBackend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2)) {
            return Measurements.run(
                            checkpoint, backend, Measurements.plan(tokens, CONTEXT), "fp32", Measurements.PLENTY)
                    .getFirst()
                    .scores()
                    .nll();
        }
    }

    @ParameterizedTest
    @MethodSource("refused")
    void isRefused(Path fixture) throws IOException {
        Path model = withTokenizer(fixture);
        String message =
                assertThrows(ModelException.class, () -> convert(model)).getMessage();
        assertTrue(message.contains(REFUSED.get(name(fixture))), message);
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(1, left.count(), "nothing but the model is left");
        }
    }
}
