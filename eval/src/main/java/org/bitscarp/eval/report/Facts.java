package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.report.SweepResult.Protocol;

/** How a result was measured, as names and values that the reports for people print in the same words. */
final class Facts {
    /**
     * @param code whether the value is something to copy: a path or a hash
     */
    record Fact(String name, String value, boolean code) {}

    private Facts() {}

    static String title(SweepResult result) {
        return "How few bits " + name(result) + " can live on";
    }

    /** Last part of the model's path. */
    static String name(SweepResult result) {
        String path = result.model().path();
        if (path == null || path.isBlank()) {
            return "this model";
        }
        String trimmed = path.replaceFirst("[/\\\\]+$", "");
        String last = trimmed.substring(Math.max(trimmed.lastIndexOf('/'), trimmed.lastIndexOf('\\')) + 1);
        return last.isEmpty() ? path : last;
    }

    static List<Fact> of(SweepResult result) {
        List<Fact> facts = new ArrayList<>();
        addModelAndText(facts, result.model(), result.text());
        for (int i = 0; i < result.protocols().size(); i++) {
            add(facts, i == 0 ? "Main protocol" : "Also measured", protocol(result, i), false);
        }
        add(facts, "Device", result.device(), false);
        add(facts, "Arithmetic", result.compute(), false);
        add(facts, "Calibration", result.calibration() == null ? "none" : result.calibration(), false);
        addRun(facts, result.started(), result.seconds(), result.bitscarp());
        return facts;
    }

    static List<Fact> of(SensitivityResult result) {
        List<Fact> facts = new ArrayList<>();
        addModelAndText(facts, result.model(), result.text());
        add(
                facts,
                "Protocol",
                result.protocol().name() + ", "
                        + Figures.grouped(result.protocol().windows()) + " windows. "
                        + result.protocol().description(),
                false);
        add(facts, "Level", result.level(), true);
        add(facts, "Device", result.device(), false);
        add(facts, "Arithmetic", result.compute(), false);
        add(facts, "Calibration", result.calibration() == null ? "none" : result.calibration(), false);
        addRun(facts, result.started(), result.seconds(), result.bitscarp());
        return facts;
    }

    private static void addRun(List<Fact> facts, String started, double seconds, String version) {
        add(facts, "Run", join(started, Figures.duration(seconds), "Bitscarp " + version), false);
    }

    private static void addModelAndText(List<Fact> facts, SweepResult.Model model, SweepResult.Text text) {
        add(facts, "Model", model.path(), true);
        add(
                facts,
                "Architecture",
                join(
                        model.architecture(),
                        Figures.grouped(model.parameters()) + " parameters",
                        model.layers() + " layers",
                        Figures.size(model.bytes()) + " on disk",
                        model.container()),
                false);
        add(facts, "Model SHA-256", model.sha256(), true);
        add(
                facts,
                "Text",
                join(text.name(), Figures.size(text.bytes()) + " of UTF-8", Figures.grouped(text.tokens()) + " tokens"),
                false);
        add(facts, "Text SHA-256", text.sha256(), true);
        add(facts, "Tokenizer SHA-256", text.tokenizerSha256(), true);
    }

    /** The finding and the rule, or the rule alone where no cliff was looked for. */
    static String rule(SweepResult result) {
        return result.cliff() == null
                ? CliffRule.sentence(CliffRule.DEFAULT_THRESHOLD)
                : result.cliff().explanation();
    }

    static String errorBars() {
        return "± is the standard error of a perplexity, tokens taken as independent (as llama.cpp prints it); the 95 %"
                + " interval is of the difference to the reference, from differences paired token by token and resampled"
                + " in blocks, and is much narrower because both levels read the same text. A level that is not told"
                + " apart from the reference, all levels tested together, is tied with it (≈).";
    }

    static String legend() {
        return "Bits/weight are measured over the quantized matrices, MB (10^6 bytes) over the whole model. Δ % is the"
                + " perplexity against the reference, ≈ a tie. KL is the mean divergence from the reference in nats per"
                + " token.";
    }

    private static String protocol(SweepResult result, int index) {
        Protocol protocol = result.protocols().get(index);
        long scored = result.rows().isEmpty()
                ? 0
                : result.rows().getFirst().scores().get(index).tokensScored();
        String facts = join(
                protocol.name(),
                "context " + Figures.grouped(protocol.context()),
                "stride " + Figures.grouped(protocol.stride()),
                Figures.grouped(protocol.windows()) + (protocol.windows() == 1 ? " window" : " windows"),
                Figures.grouped(scored) + " tokens scored");
        return protocol.description() == null || protocol.description().isBlank()
                ? facts
                : facts + ". " + protocol.description();
    }

    private static String join(String... parts) {
        List<String> kept = new ArrayList<>();
        for (String part : parts) {
            if (part != null && !part.isBlank()) {
                kept.add(part);
            }
        }
        return String.join(", ", kept);
    }

    private static void add(List<Fact> facts, String name, String value, boolean code) {
        if (value != null && !value.isBlank()) {
            facts.add(new Fact(name, value, code));
        }
    }
}
