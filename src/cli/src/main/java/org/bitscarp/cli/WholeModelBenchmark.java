package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bitscarp.cuda.backend.BenchmarkLine;
import org.bitscarp.model.RandomLlama;
import org.bitscarp.quant.NumberFormat;

/**
 * Times the two long jobs on a model with random weights, each by the command that a user would type, reading and writing of
 * files included: scoring, and error feedback at 4 bits.
 */
final class WholeModelBenchmark {
    /**
     * What is measured.
     *
     * @param tokens scored
     * @param samples windows of calibration text
     * @param scoring milliseconds that scoring is meant to take at most, NaN for none
     * @param quantizing the same of quantizing
     */
    record Size(
            String name, RandomLlama model, int context, int tokens, int samples, double scoring, double quantizing) {
        static final Size LLAMA_2_7B =
                new Size("Llama-2-7B", RandomLlama.LLAMA_2_7B, 2048, 300_000, 128, 40_000, 180_000);
        /** For the emulated device. */
        static final Size TINY = new Size(
                "tiny",
                new RandomLlama(64, 1, 2, 1, 96, 4096, false, NumberFormat.FP16),
                32,
                64,
                2,
                Double.NaN,
                Double.NaN);
    }

    private final Path folder;
    private final Size size;
    private final Commands.Streams streams;
    private final Consumer<String> say;

    /** @param folder for the model, which stays there for another run, and for what is written from it */
    WholeModelBenchmark(Path folder, Size size, Commands.Streams streams, Consumer<String> say) {
        this.folder = folder;
        this.size = size;
        this.streams = streams;
        this.say = say;
    }

    List<BenchmarkLine> run(String device) throws IOException {
        Path model = folder.resolve(size.name + "-random");
        if (!Files.exists(model)) {
            write(model);
        }
        Path text = folder.resolve("text.txt");
        Files.writeString(
                text, Files.readString(Home.texts().resolve("evaluation.txt")).repeat(repeats()));
        String context = Integer.toString(size.context);
        double scoring = time(List.of(
                "perplexity",
                model.toString(),
                "--device",
                device,
                "--compute",
                "fp16",
                "--text",
                text.toString(),
                "--protocol",
                "gptq",
                "--context",
                context,
                "--max-tokens",
                Integer.toString(size.tokens),
                "-q"));
        Path quantized = Files.createTempDirectory(folder, "int4-");
        double quantizing = time(List.of(
                "quantize",
                model.toString(),
                "--to",
                "int4:gptq",
                "--device",
                device,
                "--compute",
                "fp16",
                "--calibration",
                text.toString(),
                "--samples",
                Integer.toString(size.samples),
                "--calibration-context",
                context,
                "--out",
                quantized.toString(),
                "-q"));
        remove(quantized);
        String shape = size.name + " shape, " + device;
        return List.of(
                line(String.format("score %,d tokens, fp16", size.tokens), shape, scoring, size.scoring),
                line(
                        "int4:gptq, " + size.samples + " × " + size.context + " calibration tokens",
                        shape,
                        quantizing,
                        size.quantizing));
    }

    /** The built-in text has some 20,000 tokens. */
    private int repeats() {
        return 1 + Math.max(size.tokens, size.samples * size.context) / 15_000;
    }

    private void write(Path model) throws IOException {
        Files.createDirectories(folder);
        long free = Files.getFileStore(folder).getUsableSpace();
        // The model, and what is written from it at 4 bits.
        long need = size.model.bytes() / 2 * 3;
        if (free < need) {
            throw new IOException(folder + " has " + (free >> 20) + " MiB free, " + (need >> 20)
                    + " MiB are needed; give --full a folder on a larger disk");
        }
        say.accept("Writing a model of " + (size.model.bytes() >> 20) + " MiB to " + model + " ...");
        Path unfinished = Files.createTempDirectory(folder, ".unfinished-");
        size.model.write(Home.builtinModel(), unfinished);
        Files.move(unfinished, model);
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    /** Milliseconds of a whole command. */
    private double time(List<String> words) {
        say.accept("bitscarp " + String.join(" ", words));
        long begin = System.nanoTime();
        int status = Main.run(words.toArray(String[]::new), streams.err(), streams.err(), streams.environment());
        if (status != 0) {
            throw new IllegalStateException("bitscarp " + words.getFirst() + " fails, see above");
        }
        return (System.nanoTime() - begin) / 1e6;
    }

    private static BenchmarkLine line(String kernel, String shape, double time, double aim) {
        return new BenchmarkLine(
                kernel, shape, time, aim, Double.isNaN(aim) ? "" : "the aim", Double.NaN, "whole command");
    }
}
