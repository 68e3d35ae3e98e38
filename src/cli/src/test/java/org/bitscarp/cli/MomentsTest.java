package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.TinyTokenizer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The option that says in which arithmetic calibration sums second moments. */
class MomentsTest {
    @TempDir
    Path folder;

    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        model = new TinyLlama().seed(5).write(Files.createDirectories(folder.resolve("model")));
        Files.writeString(model.resolve("tokenizer.json"), TinyTokenizer.json(false));
    }

    private CommandLineRun sweep(String... more) {
        Stream<String> arguments = Stream.of(
                "sweep",
                model.toString(),
                "--out",
                folder.resolve("out").toString(),
                "--levels",
                "fp32,int3:g8:gptq",
                "--protocol",
                "gptq",
                "--max-tokens",
                "64",
                "--context",
                "32",
                "--calibration",
                "builtin-calibration",
                "--calibration-tokens",
                "512",
                "--fresh",
                "--json",
                "-q");
        return CommandLineRun.of(Stream.concat(arguments, Stream.of(more)).toArray(String[]::new));
    }

    private static JsonNode json(CommandLineRun run) {
        return JsonMapper.shared().readTree(run.succeeds().out());
    }

    @Test
    void theReportSaysWhichAndTheLevelIsTheSameButForRounding() {
        double expected = Double.NaN;
        for (String precision : new String[] {"fp32", "compensated", "auto"}) {
            JsonNode json = json(sweep("--device", "cpu", "--moments", precision));
            String calibration = json.get("calibration").asString();
            String said = precision.equals("auto")
                    ? "second moments in (bf16 by oneDNN|fp32 \\()"
                    : "second moments in " + precision + ",";
            assertTrue(calibration.matches(".*" + said + ".*"), calibration);
            double perplexity = json.get("rows").get(1).get("perplexity").asDouble();
            if (precision.equals("fp32")) {
                expected = perplexity;
            }
            // A weight of a small matrix may be rounded the other way.
            assertEquals(expected, perplexity, 0.02 * expected, precision);
        }
    }

    @Test
    void theEmulatedDeviceHasCompensatedSumsAndNoBf16() {
        String[] small = {"--device", "emulated", "--continuations", "0"};
        JsonNode json = json(sweep(Stream.concat(Stream.of(small), Stream.of("--moments", "compensated"))
                .toArray(String[]::new)));
        assertTrue(json.get("calibration").asString().contains("second moments in compensated,"));
        sweep("--device", "emulated", "--moments", "bf16").fails(2, "--moments bf16", "a GPU sums moments in fp32");
    }

    @Test
    void otherWordsAndAFolderOfAnotherPrecisionAreRefused() {
        sweep("--moments", "half").fails(2, "--moments half", "auto, bf16, fp32, compensated");
        String kept = folder.resolve("kept").toString();
        sweep("--device", "cpu", "--moments", "fp32", "--hessians", kept).succeeds();
        sweep("--device", "cpu", "--moments", "compensated", "--hessians", kept)
                .fails(1, "moments", "fp32", "compensated");
    }
}
