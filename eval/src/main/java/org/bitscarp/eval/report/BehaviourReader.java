package org.bitscarp.eval.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.generate.Loop;
import tools.jackson.databind.JsonNode;

/** Reads what {@link BehaviourJson} writes; results from before it was written have none. */
final class BehaviourReader extends JsonFields {
    BehaviourReader(String source) {
        super(source);
    }

    SweepResult.Behaviour behaviour(JsonNode root) throws IOException {
        List<TaskResult> tasks = new ArrayList<>();
        if (root.has("tasks")) {
            for (JsonNode node : array(root, "tasks")) {
                tasks.add(task(node));
            }
        }
        JsonNode written = root.path("continuations");
        return new SweepResult.Behaviour(
                List.copyOf(tasks),
                written.isMissingNode() || written.isNull() ? null : continuations(object(root, "continuations")),
                root.path("passage").isMissingNode() || root.path("passage").isNull()
                        ? null
                        : passage(object(root, "passage")));
    }

    private Passage passage(JsonNode node) throws IOException {
        List<String> tokens = strings(node, "tokens");
        List<Passage.OfLevel> levels = new ArrayList<>();
        for (JsonNode level : array(node, "levels")) {
            levels.add(new Passage.OfLevel(text(level, "level"), scores(level, "nll", tokens.size())));
        }
        return new Passage(
                count(node, "first"),
                text(node, "chosen_by"),
                tokens,
                scores(node, "reference", tokens.size()),
                levels);
    }

    private double[] scores(JsonNode node, String name, int tokens) throws IOException {
        double[] scores = numbers(node, name);
        if (scores == null || scores.length != tokens) {
            throw new IOException(
                    source + ": field " + name + " of the passage has " + (scores == null ? 0 : scores.length)
                            + " numbers, expected one for each of " + tokens + " tokens");
        }
        return scores;
    }

    private TaskResult task(JsonNode node) throws IOException {
        List<TaskResult.Row> rows = new ArrayList<>();
        for (JsonNode row : array(node, "rows")) {
            rows.add(new TaskResult.Row(
                    text(row, "level"),
                    number(row, "accuracy"),
                    number(row, "accuracy_stderr"),
                    number(row, "accuracy_normalized"),
                    number(row, "accuracy_normalized_stderr"),
                    count(row, "gained"),
                    count(row, "lost"),
                    number(row, "mcnemar_p")));
        }
        return new TaskResult(
                text(node, "name"),
                text(node, "layout"),
                text(node, "prompt"),
                text(node, "sha256"),
                count(node, "questions"),
                number(node, "chance"),
                count(node, "shortened"),
                rows);
    }

    private Continuations continuations(JsonNode node) throws IOException {
        List<Continuations.OfLevel> levels = new ArrayList<>();
        for (JsonNode level : array(node, "levels")) {
            List<Continuations.Text> texts = new ArrayList<>();
            for (JsonNode text : array(level, "texts")) {
                texts.add(new Continuations.Text(
                        text(text, "text"),
                        count(text, "tokens"),
                        count(text, "agreement"),
                        count(text, "agreed_characters"),
                        loop(field(text, "loop"))));
            }
            levels.add(new Continuations.OfLevel(
                    text(level, "level"), number(level, "distinct_1"), number(level, "distinct_2"), texts));
        }
        return new Continuations(strings(node, "prompts"), strings(node, "samplers"), count(node, "tokens"), levels);
    }

    private Loop loop(JsonNode node) throws IOException {
        return node.isNull() ? null : new Loop(count(node, "onset"), count(node, "period"));
    }

    private List<String> strings(JsonNode node, String name) throws IOException {
        List<String> strings = new ArrayList<>();
        for (JsonNode each : array(node, name)) {
            strings.add(checked(each, name, JsonNode::isString, "a string").asString());
        }
        return strings;
    }
}
