package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bitscarp.cuda.backend.BenchmarkLine;
import org.bitscarp.model.RandomLlama;
import org.bitscarp.quant.NumberFormat;

/**
 * Times the two long jobs on a model with random weights, each by the command that a user would type, reading and writing of
 * files included: scoring, and error feedback at 4 bits. Then both again with little device memory.
 */
final class WholeModelBenchmark {
    /**
     * What is measured.
     *
     * @param tokens scored
     * @param samples windows of calibration text
     * @param scoring milliseconds that scoring is meant to take at most
     * @param quantizing the same of quantizing
     * @param little device memory that both are run with again
     */
    record Size(
            String name,
            RandomLlama model,
            int context,
            int tokens,
            int samples,
            double scoring,
            double quantizing,
            String little) {
        static final Size LLAMA_2_7B =
                new Size("Llama-2-7B", RandomLlama.LLAMA_2_7B, 2048, 300_000, 128, 40_000, 180_000, "4g");
        /** For the emulated device: an hour each, since times say nothing there. */
        static final Size TINY = new Size(
                "tiny",
                new RandomLlama(64, 1, 2, 1, 96, 4096, false, NumberFormat.FP16),
                32,
                64,
                2,
                3_600_000,
                3_600_000,
                "12m");
    }

    /** What a command took. */
    private record Cost(double milliseconds, long peak) {
        String memory() {
            return (peak + (1 << 20) - 1 >> 20) + " MiB of device memory at most";
        }
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

    /** @param vram device memory to take at most; null for what is free */
    List<BenchmarkLine> run(String device, String vram) throws IOException {
        Path model = folder.resolve(size.name + "-random");
        if (!Files.exists(model)) {
            write(model);
        }
        Path text = folder.resolve("text.txt");
        Files.writeString(
                text, Files.readString(Home.texts().resolve("evaluation.txt")).repeat(repeats()));
        String scoring = String.format(Locale.ROOT, "score %,d tokens, fp16", size.tokens);
        String quantizing = "int4:gptq, " + size.samples + " × " + size.context + " calibration tokens";
        String shape = size.name + " shape, " + device;
        List<BenchmarkLine> lines = new ArrayList<>();
        lines.add(timed(scoring, shape, score(model, text, device, vram), size.scoring));
        lines.add(timed(quantizing, shape, quantize(model, text, device, vram), size.quantizing));
        String capped = ", --vram " + size.little;
        lines.add(capped(scoring + capped, shape, score(model, text, device, size.little)));
        lines.add(capped(quantizing + capped, shape, quantize(model, text, device, size.little)));
        return lines;
    }

    private Cost score(Path model, Path text, String device, String vram) {
        List<String> words = new ArrayList<>(List.of("perplexity", model.toString(), "--text", text.toString()));
        words.addAll(List.of("--protocol", "gptq", "--context", Integer.toString(size.context)));
        words.addAll(List.of("--max-tokens", Integer.toString(size.tokens)));
        return cost(words, device, vram);
    }

    private Cost quantize(Path model, Path text, String device, String vram) throws IOException {
        Path quantized = Files.createTempDirectory(folder, "int4-");
        List<String> words = new ArrayList<>(List.of("quantize", model.toString(), "--to", "int4:gptq"));
        words.addAll(List.of("--calibration", text.toString(), "--samples", Integer.toString(size.samples)));
        words.addAll(List.of("--calibration-context", Integer.toString(size.context), "--out", quantized.toString()));
        Cost cost = cost(words, device, vram);
        remove(quantized);
        return cost;
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

    private Cost cost(List<String> words, String device, String vram) {
        words.addAll(List.of("--device", device, "--compute", "fp16", "-q"));
        if (vram != null) {
            words.addAll(List.of("--vram", vram));
        }
        say.accept("bitscarp " + String.join(" ", words));
        long[] peak = new long[1];
        long begin = System.nanoTime();
        int status = Main.run(
                words.toArray(String[]::new),
                new Commands.Streams(streams.err(), streams.err(), streams.environment(), bytes -> peak[0] = bytes));
        if (status != 0) {
            throw new IllegalStateException("bitscarp " + words.getFirst() + " fails, see above");
        }
        return new Cost((System.nanoTime() - begin) / 1e6, peak[0]);
    }

    private static BenchmarkLine timed(String kernel, String shape, Cost cost, double aim) {
        return new BenchmarkLine(
                        kernel, shape, cost.milliseconds, aim, "the aim", Double.NaN, "whole command, " + cost.memory())
                .withAim(1);
    }

    /** The command has run within its cap, so it is the ledger that is looked at. */
    private BenchmarkLine capped(String kernel, String shape, Cost cost) {
        boolean below = cost.peak > 0 && cost.peak <= MemorySize.parse("--vram", size.little);
        return new BenchmarkLine(
                kernel,
                shape,
                cost.milliseconds,
                Double.NaN,
                "",
                Double.NaN,
                "whole command, " + cost.memory() + ": " + BenchmarkLine.verdict(below));
    }
}
