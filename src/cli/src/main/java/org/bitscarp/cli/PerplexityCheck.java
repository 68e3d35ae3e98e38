package org.bitscarp.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Perplexities of a device beside those of the CPU, each from the command that a user would type. */
final class PerplexityCheck {
    /** Of a perplexity; two implementations in fp32 differ by some 1e-6. */
    static final double TOLERANCE = 5e-4;

    /**
     * One level.
     *
     * @param cpu recorded, or measured just now
     * @param recorded which of the two
     */
    record Row(String level, double cpu, boolean recorded, double device) {
        double difference() {
            return device / cpu - 1;
        }

        boolean passed() {
            return Math.abs(difference()) <= TOLERANCE;
        }
    }

    private final String model;
    private final Integer tokens;
    private final String vram;
    private final Commands.Streams streams;
    private final Consumer<String> say;

    /**
     * @param model null for the built-in one
     * @param tokens null for the whole text
     * @param vram device memory to take at most; null for what is free
     */
    PerplexityCheck(String model, Integer tokens, String vram, Commands.Streams streams, Consumer<String> say) {
        this.model = model;
        this.tokens = tokens;
        this.vram = vram;
        this.streams = streams;
        this.say = say;
    }

    List<Row> run(String device, List<String> levels) {
        Map<String, Double> recorded = recorded();
        List<Row> rows = new ArrayList<>();
        for (String level : levels) {
            say.accept("Perplexity at " + level + " ...");
            JsonNode found = measure(device, level);
            String key = found.get("model").get("sha256").asString() + " " + level;
            boolean known = tokens == null && recorded.containsKey(key);
            double cpu = known ? recorded.get(key) : perplexity(measure("cpu", level));
            rows.add(new Row(level, cpu, known, perplexity(found)));
        }
        return rows;
    }

    private static double perplexity(JsonNode result) {
        return result.get("rows").get(0).get("perplexity").asDouble(Double.NaN);
    }

    private JsonNode measure(String device, String level) {
        List<String> words = new ArrayList<>(List.of("perplexity"));
        if (model != null) {
            words.add(model);
        }
        words.addAll(List.of(
                "--device", device, "--level", level, "--text", "builtin", "--protocol", "gptq", "--json", "-q"));
        if (vram != null && !device.equals("cpu")) {
            words.addAll(List.of("--vram", vram));
        }
        if (tokens != null) {
            words.addAll(
                    List.of("--max-tokens", tokens.toString(), "--context", Integer.toString(Math.min(512, tokens))));
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream into = new PrintStream(out, true, StandardCharsets.UTF_8);
        int status = Main.run(words.toArray(String[]::new), into, streams.err(), streams.environment());
        if (status != 0) {
            throw new IllegalStateException("bitscarp " + String.join(" ", words) + " fails, see above");
        }
        return JsonMapper.shared().readTree(out.toString(StandardCharsets.UTF_8));
    }

    /** Figures of the CPU for the built-in models at the default context: "sha256 level" to perplexity. */
    static Map<String, Double> recorded() {
        try (InputStream in = PerplexityCheck.class.getResourceAsStream("cpu-perplexities.txt")) {
            Map<String, Double> figures = new HashMap<>();
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(l -> !l.startsWith("#"))
                    .forEach(line -> {
                        String[] words = line.split(" ");
                        figures.put(words[0] + " " + words[1], Double.parseDouble(words[2]));
                    });
            return figures;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
