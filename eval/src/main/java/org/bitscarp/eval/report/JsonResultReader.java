package org.bitscarp.eval.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.report.SweepResult.Cliff;
import org.bitscarp.eval.report.SweepResult.Divergence;
import org.bitscarp.eval.report.SweepResult.Model;
import org.bitscarp.eval.report.SweepResult.Protocol;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.eval.report.SweepResult.Score;
import org.bitscarp.eval.report.SweepResult.Text;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads {@code results.json} back. Unknown fields are ignored, because the contract allows adding them; a number that
 * was not finite was written as {@code null} and reads as NaN.
 */
public final class JsonResultReader extends JsonFields {
    private JsonResultReader(String source) {
        super(source);
    }

    /** @throws IOException when the file cannot be read, is no JSON, or is not a sweep result; the message names it */
    public static SweepResult read(Path file) throws IOException {
        return parse(Files.readString(file), file.toString());
    }

    /**
     * @param json the text of a {@code results.json}
     * @param source name of the text in error messages
     */
    public static SweepResult parse(String json, String source) throws IOException {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(json);
        } catch (JacksonException e) {
            throw new IOException(source + " is not valid JSON: " + e.getOriginalMessage(), e);
        }
        return new JsonResultReader(source).result(root);
    }

    private SweepResult result(JsonNode root) throws IOException {
        if (!root.isObject()) {
            throw new IOException(source + " is not a sweep result: expected a JSON object");
        }
        String schema = text(root, "schema");
        if (!SweepResult.SCHEMA.equals(schema)) {
            throw new IOException(
                    source + " has schema " + schema + ", this version reads " + SweepResult.SCHEMA + " only");
        }
        JsonNode model = object(root, "model");
        JsonNode text = object(root, "text");
        List<Protocol> protocols = new ArrayList<>();
        for (JsonNode node : array(root, "protocols")) {
            protocols.add(new Protocol(
                    text(node, "name"),
                    count(node, "context"),
                    count(node, "stride"),
                    count(node, "windows"),
                    text(node, "description")));
        }
        List<Row> rows = new ArrayList<>();
        for (JsonNode node : array(root, "rows")) {
            rows.add(row(node, protocols.size()));
        }
        List<String> notes = new ArrayList<>();
        for (JsonNode node : array(root, "notes")) {
            notes.add(checked(node, "notes", JsonNode::isString, "a string").asString());
        }
        return new SweepResult(
                text(root, "bitscarp"),
                new Model(
                        text(model, "path"),
                        text(model, "container"),
                        text(model, "sha256"),
                        text(model, "architecture"),
                        integer(model, "parameters"),
                        integer(model, "bytes"),
                        count(model, "layers")),
                new Text(
                        text(text, "name"),
                        text(text, "sha256"),
                        integer(text, "bytes"),
                        integer(text, "tokens"),
                        text(text, "tokenizer_sha256")),
                List.copyOf(protocols),
                text(root, "device"),
                text(root, "compute"),
                text(root, "calibration"),
                text(root, "command"),
                text(root, "started"),
                number(root, "seconds"),
                List.copyOf(rows),
                cliff(field(root, "cliff")),
                new BehaviourReader(source).behaviour(root),
                new StatisticsReader(source).statistics(root),
                List.copyOf(notes));
    }

    private Row row(JsonNode node, int protocols) throws IOException {
        List<Score> scores = new ArrayList<>();
        for (JsonNode each : array(node, "scores")) {
            scores.add(score(each));
        }
        String level = text(node, "level");
        if (scores.isEmpty() || scores.size() != protocols) {
            throw new IOException(source + ": level " + level + " has " + scores.size() + " scores, expected one for"
                    + " each of the " + protocols + " protocols");
        }
        boolean compared = !field(node, "kld_mean").isNull()
                || !field(node, "kld_stderr").isNull()
                || !field(node, "same_top1").isNull();
        return new Row(
                level,
                text(node, "format"),
                text(node, "solver"),
                flag(node, "reference"),
                number(node, "bits_per_weight"),
                number(node, "model_bits_per_weight"),
                integer(node, "bytes"),
                List.copyOf(scores),
                compared
                        ? new Divergence(
                                number(node, "kld_mean"), number(node, "kld_stderr"), number(node, "same_top1"))
                        : null,
                number(node, "weight_error"),
                numbers(node, "layer_errors"),
                number(node, "seconds"),
                integer(node, "fallbacks"),
                integer(node, "nonfinite"),
                node.has("path")
                        ? new SweepResult.File(text(node, "path"), text(node, "container"), text(node, "sha256"))
                        : null);
    }

    private Score score(JsonNode node) throws IOException {
        double[] interval = numbers(node, "delta_ppl_ci95");
        if (interval != null && interval.length != 2) {
            throw new IOException(
                    source + ": delta_ppl_ci95 has " + interval.length + " numbers, expected low and high");
        }
        return new Score(
                text(node, "protocol"),
                number(node, "perplexity"),
                number(node, "stderr"),
                number(node, "nll_sum"),
                integer(node, "tokens_scored"),
                number(node, "bits_per_byte"),
                number(node, "delta_ppl"),
                interval,
                flag(node, "tied"));
    }

    private Cliff cliff(JsonNode node) throws IOException {
        if (node.isNull()) {
            return null;
        }
        return new Cliff(
                text(node, "level"),
                number(node, "bits_per_weight"),
                text(node, "falls_at"),
                text(node, "explanation"),
                node.has("threshold") ? number(node, "threshold") : CliffRule.DEFAULT_THRESHOLD);
    }
}
