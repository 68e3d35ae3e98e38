package org.bitscarp.eval.task;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.datasets.TextException;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.datasets.tasks.TaskFile;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.eval.engine.Resources;
import org.bitscarp.eval.engine.Sweep;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.generate.Sampler;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Answers and greedy texts of the built-in model against transformers ({@code tasks/expected.json}). */
class TaskGoldenTest {
    private static final Path FIXTURES = Path.of("src/test/resources/tasks");
    /** fp32 arithmetic in another order, over up to eight tokens. */
    private static final double TOLERANCE = 1e-3;

    private final JsonNode expected;
    private final Task task;

    TaskGoldenTest() throws IOException {
        expected = JsonMapper.shared().readTree(Files.readAllBytes(FIXTURES.resolve("expected.json")));
        task = TaskFile.read(FIXTURES.resolve("questions.jsonl"));
    }

    private static Checkpoint model() throws IOException {
        return Checkpoints.open(
                Path.of(System.getProperty("bitscarp.checkout", "..")).resolve("datasets/models/prose-6m"));
    }

    @Test
    void likelihoodsAccuraciesAndTextsAreThoseOfTransformers() throws IOException {
        try (Checkpoint model = model();
                Tokenizer tokenizer = model.tokenizer();
                Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            TaskSequences sequences =
                    TaskSequences.of(task, tokenizer, model.spec().vocabulary(), 512);
            List<int[]> prompts = new java.util.ArrayList<>();
            expected.get("prompts").forEach(p -> prompts.add(tokenizer.encode(p.asString(), true)));
            int length = expected.get("greedy").get(0).size();
            WindowPlan plan = new WindowPlan(
                    new int[64], -1, false, List.of(Protocol.of(Protocol.Kind.GPTQ, 32, 0)), sequences.sequences());
            Sweep sweep = new Sweep(
                            model,
                            new Resources(
                                    backend, 1L << 30, Path.of(System.getProperty("java.io.tmpdir")), Progress.NONE),
                            plan,
                            null,
                            Recipe.of(model, Level.parseList("fp32")))
                    .letWrite(new ContinuationPlan(prompts, List.of(Sampler.GREEDY), length));
            LevelResult result = sweep.run().getFirst();

            double[] nll = new double[sequences.sequences().size()];
            for (int s = 0; s < nll.length; s++) {
                for (int row : plan.sequenceRows(s)) {
                    nll[s] += result.scores().nll()[row];
                }
                double known =
                        expected.get("log_likelihoods").get(s / 3).get(s % 3).asDouble();
                assertEquals(known, -nll[s], TOLERANCE, "question " + s / 3 + ", choice " + s % 3);
            }
            Answers answers = Answers.of(task, nll);
            assertEquals(expected.get("accuracy").asDouble(), Answers.share(answers.right()));
            assertEquals(expected.get("accuracy_per_character").asDouble(), Answers.share(answers.rightNormalized()));
            for (int p = 0; p < prompts.size(); p++) {
                int[] greedy = new int[length];
                for (int t = 0; t < length; t++) {
                    greedy[t] = expected.get("greedy").get(p).get(t).asInt();
                }
                assertArrayEquals(greedy, sweep.written().getFirst().get(p), "prompt " + p);
            }
        }
    }

    @Test
    void longQuestionsLoseTheirBeginning() throws IOException {
        try (Checkpoint model = model();
                Tokenizer tokenizer = model.tokenizer()) {
            TaskSequences whole = TaskSequences.of(task, tokenizer, model.spec().vocabulary(), 512);
            TaskSequences cut = TaskSequences.of(task, tokenizer, model.spec().vocabulary(), 12);
            assertEquals(0, whole.shortened());
            assertTrue(cut.shortened() > 0);
            for (int s = 0; s < whole.sequences().size(); s++) {
                int[] all = whole.sequences().get(s).tokens();
                int[] end = cut.sequences().get(s).tokens();
                assertTrue(end.length <= 13);
                assertArrayEquals(java.util.Arrays.copyOfRange(all, all.length - end.length, all.length), end);
                assertEquals(
                        whole.sequences().get(s).scored(),
                        cut.sequences().get(s).scored());
            }
            TextException e = assertThrows(
                    TextException.class,
                    () -> TaskSequences.of(task, tokenizer, model.spec().vocabulary(), 2));
            assertTrue(e.getMessage().contains("the model reads 2 at once"), e.getMessage());
        }
    }
}
