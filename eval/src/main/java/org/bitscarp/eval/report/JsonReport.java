package org.bitscarp.eval.report;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.eval.report.SweepResult.Cliff;
import org.bitscarp.eval.report.SweepResult.Divergence;
import org.bitscarp.eval.report.SweepResult.Protocol;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.eval.report.SweepResult.Score;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code results.json}, the public contract ({@link SweepResult#SCHEMA}). The order of the fields is stable, numbers are
 * the shortest decimals that read back as the same double, and what is not finite is {@code null}. Every row repeats the
 * figures of the main protocol beside {@code level}, so that a reader with one protocol in mind needs no nesting.
 */
public final class JsonReport {
    private static final JsonMapper MAPPER = JsonMapper.shared();
    private static final ObjectWriter PRETTY = MAPPER.writerWithDefaultPrettyPrinter();

    private JsonReport() {}

    /** Writes {@code results.json} in full or not at all. */
    public static void write(SweepResult result, Path file) throws IOException {
        StagedFiles.write(file, render(result));
    }

    /** The object as pretty-printed text with a final line feed. */
    public static String render(SweepResult result) {
        return PRETTY.writeValueAsString(tree(result)).replace("\r\n", "\n") + "\n";
    }

    /** The object as a tree, for commands that print it inside another one. */
    public static ObjectNode tree(SweepResult result) {
        ObjectNode root = MAPPER.createObjectNode();
        root.put("schema", SweepResult.SCHEMA);
        root.put("bitscarp", result.bitscarp());
        model(root, result.model());
        text(root, result.text());
        protocol(root.putObject("protocol"), result.protocols().getFirst());
        ArrayNode protocols = root.putArray("protocols");
        result.protocols().forEach(p -> protocol(protocols.addObject(), p));
        root.put("device", result.device());
        root.put("compute", result.compute());
        root.put("calibration", result.calibration());
        root.put("command", result.command());
        root.put("started", result.started());
        number(root, "seconds", result.seconds());
        ArrayNode rows = root.putArray("rows");
        result.rows().forEach(r -> row(rows.addObject(), r));
        cliff(root, result.cliff());
        lastSafe(root, result);
        BehaviourJson.add(root, result.behaviour());
        StatisticsJson.add(root, result.statistics());
        ArrayNode notes = root.putArray("notes");
        result.notes().forEach(notes::add);
        return root;
    }

    static void model(ObjectNode root, SweepResult.Model model) {
        root.putObject("model")
                .put("path", model.path())
                .put("container", model.container())
                .put("sha256", model.sha256())
                .put("architecture", model.architecture())
                .put("parameters", model.parameters())
                .put("bytes", model.bytes())
                .put("layers", model.layers());
    }

    static void text(ObjectNode root, SweepResult.Text text) {
        root.putObject("text")
                .put("name", text.name())
                .put("sha256", text.sha256())
                .put("bytes", text.bytes())
                .put("tokens", text.tokens())
                .put("tokenizer_sha256", text.tokenizerSha256());
    }

    static void protocol(ObjectNode node, Protocol protocol) {
        node.put("name", protocol.name())
                .put("context", protocol.context())
                .put("stride", protocol.stride())
                .put("windows", protocol.windows())
                .put("description", protocol.description());
    }

    static void row(ObjectNode node, Row row) {
        node.put("level", row.level());
        node.put("format", row.format());
        node.put("solver", row.solver());
        node.put("reference", row.reference());
        number(node, "bits_per_weight", row.bitsPerWeight());
        number(node, "model_bits_per_weight", row.modelBitsPerWeight());
        node.put("bytes", row.bytes());
        score(node, row.score());
        Divergence divergence = row.divergence();
        number(node, "kld_mean", divergence == null ? Double.NaN : divergence.kldMean());
        number(node, "kld_stderr", divergence == null ? Double.NaN : divergence.kldStderr());
        number(node, "same_top1", divergence == null ? Double.NaN : divergence.sameTop1());
        number(node, "weight_error", row.weightError());
        numbers(node, "layer_errors", row.layerErrors());
        number(node, "seconds", row.seconds());
        node.put("fallbacks", row.fallbacks());
        node.put("nonfinite", row.nonfinite());
        if (row.file() != null) {
            node.put("path", row.file().path());
            node.put("container", row.file().container());
            node.put("sha256", row.file().sha256());
        }
        ArrayNode scores = node.putArray("scores");
        for (Score score : row.scores()) {
            ObjectNode each = scores.addObject();
            each.put("protocol", score.protocol());
            score(each, score);
        }
    }

    private static void score(ObjectNode node, Score score) {
        number(node, "perplexity", score.perplexity());
        number(node, "stderr", score.stderr());
        number(node, "nll_sum", score.nllSum());
        node.put("tokens_scored", score.tokensScored());
        number(node, "bits_per_byte", score.bitsPerByte());
        number(node, "delta_ppl", score.deltaPpl());
        numbers(node, "delta_ppl_ci95", score.deltaPplCi95());
        node.put("tied", score.tied());
    }

    private static void cliff(ObjectNode root, Cliff cliff) {
        if (cliff == null) {
            root.putNull("cliff");
            return;
        }
        ObjectNode node = root.putObject("cliff");
        node.put("level", cliff.level());
        number(node, "bits_per_weight", cliff.bitsPerWeight());
        node.put("falls_at", cliff.fallsAt());
        number(node, "threshold", cliff.threshold());
        node.put("explanation", cliff.explanation());
    }

    private static void lastSafe(ObjectNode root, SweepResult result) {
        Row row = Certainty.lastSafe(result).orElse(null);
        if (row == null) {
            root.putNull("last_safe");
            return;
        }
        number(root.putObject("last_safe").put("level", row.level()), "bits_per_weight", row.bitsPerWeight());
    }

    static void number(ObjectNode node, String name, double x) {
        if (Double.isFinite(x)) {
            node.put(name, x);
        } else {
            node.putNull(name);
        }
    }

    static void numbers(ObjectNode node, String name, double[] values) {
        if (values == null) {
            node.putNull(name);
            return;
        }
        ArrayNode array = node.putArray(name);
        for (double x : values) {
            if (Double.isFinite(x)) {
                array.add(x);
            } else {
                array.addNull();
            }
        }
    }
}
