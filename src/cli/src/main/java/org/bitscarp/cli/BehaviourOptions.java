package org.bitscarp.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.datasets.tasks.TaskFile;
import org.bitscarp.eval.generate.ContinuationRequest;
import picocli.CommandLine.Option;

/** Options of what levels answer and write besides predicting a text. */
final class BehaviourOptions {
    private static final int CONTINUATION = 48;

    @Option(
            names = "--task",
            split = ",",
            paramLabel = "FILE",
            description =
                    "Multiple-choice questions that every level answers by log-likelihood, in the same pass: JSON or"
                            + " JSON lines as ARC, PIQA or HellaSwag are published, or {\"question\", \"choices\", \"answer\"};"
                            + " several with commas.")
    private List<Path> tasks = List.of();

    @Option(names = "--task-limit", paramLabel = "N", description = "Ask the first N questions of each task only.")
    private int taskLimit = Integer.MAX_VALUE;

    @Option(
            names = "--continuations",
            paramLabel = "N",
            description =
                    "Tokens that every level writes behind each prompt, greedy and sampled, to see repetition and where"
                            + " texts part; 0 for none. Default: " + CONTINUATION + ", none where memory is short.")
    private Integer continuations;

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "Prompts, one a line; default: four passages of the measured text.")
    private Path prompts;

    @Option(
            names = "--temperature",
            defaultValue = "0.8",
            paramLabel = "T",
            description = "Of the sampled continuations; default: ${DEFAULT-VALUE}.")
    private float temperature;

    @Option(
            names = "--seed",
            defaultValue = "1",
            paramLabel = "N",
            description = "Of the sampled continuations; default: ${DEFAULT-VALUE}.")
    private long seed;

    List<Task> tasks() throws IOException {
        if (taskLimit < 1) {
            throw new UsageException("--task-limit " + taskLimit + ": expected at least 1");
        }
        List<Task> all = new ArrayList<>();
        for (Path file : tasks) {
            all.add(TaskFile.read(file).first(taskLimit));
        }
        return all;
    }

    ContinuationRequest continuations() throws IOException {
        try {
            return new ContinuationRequest(
                    continuations == null ? CONTINUATION : continuations,
                    prompts == null ? List.of() : lines(prompts),
                    temperature,
                    seed,
                    continuations != null || prompts != null);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--continuations, --temperature: " + e.getMessage());
        }
    }

    private static List<String> lines(Path file) throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.UTF_8).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
        } catch (IOException e) {
            throw new IOException("--prompts " + file + ": cannot be read as UTF-8 text: " + e, e);
        }
        if (lines.isEmpty() || lines.size() > 64) {
            throw new UsageException(
                    "--prompts " + file + ": " + lines.size() + " prompts; expected 1 to 64, one a line");
        }
        return lines;
    }
}
