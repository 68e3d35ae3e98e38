package org.bitscarp.eval.report;

import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The parts {@code tasks}, {@code continuations} and {@code passage} of {@code results.json}. */
final class BehaviourJson {
    private BehaviourJson() {}

    static void add(ObjectNode root, SweepResult.Behaviour behaviour) {
        ArrayNode tasks = root.putArray("tasks");
        behaviour.tasks().forEach(task -> task(tasks.addObject(), task));
        if (behaviour.continuations() == null) {
            root.putNull("continuations");
        } else {
            continuations(root.putObject("continuations"), behaviour.continuations());
        }
        if (behaviour.passage() == null) {
            root.putNull("passage");
        } else {
            passage(root.putObject("passage"), behaviour.passage());
        }
    }

    private static void passage(ObjectNode node, Passage passage) {
        node.put("first", passage.first()).put("chosen_by", passage.chosenBy());
        ArrayNode tokens = node.putArray("tokens");
        passage.tokens().forEach(tokens::add);
        JsonReport.numbers(node, "reference", passage.reference());
        ArrayNode levels = node.putArray("levels");
        for (Passage.OfLevel level : passage.levels()) {
            JsonReport.numbers(levels.addObject().put("level", level.level()), "nll", level.nll());
        }
    }

    private static void task(ObjectNode node, TaskResult task) {
        node.put("name", task.name())
                .put("layout", task.layout())
                .put("prompt", task.prompt())
                .put("sha256", task.sha256())
                .put("questions", task.questions())
                .put("chance", task.chance())
                .put("shortened", task.shortened());
        ArrayNode rows = node.putArray("rows");
        for (TaskResult.Row row : task.rows()) {
            rows.addObject()
                    .put("level", row.level())
                    .put("accuracy", row.accuracy())
                    .put("accuracy_stderr", row.stderr())
                    .put("accuracy_normalized", row.normalized())
                    .put("accuracy_normalized_stderr", row.normalizedStderr())
                    .put("gained", row.gained())
                    .put("lost", row.lost())
                    .put("mcnemar_p", row.p());
        }
    }

    private static void continuations(ObjectNode node, Continuations continuations) {
        ArrayNode prompts = node.putArray("prompts");
        continuations.prompts().forEach(prompts::add);
        ArrayNode samplers = node.putArray("samplers");
        continuations.samplers().forEach(samplers::add);
        node.put("tokens", continuations.tokens());
        ArrayNode levels = node.putArray("levels");
        for (Continuations.OfLevel level : continuations.levels()) {
            ObjectNode each = levels.addObject().put("level", level.level()).put("loops", level.loops());
            JsonReport.number(each, "agreement_mean", level.agreement());
            JsonReport.number(each, "distinct_1", level.distinct1());
            JsonReport.number(each, "distinct_2", level.distinct2());
            ArrayNode texts = each.putArray("texts");
            for (int i = 0; i < level.texts().size(); i++) {
                Continuations.Text text = level.texts().get(i);
                ObjectNode of = texts.addObject()
                        .put("prompt", i % continuations.prompts().size())
                        .put("sampler", i / continuations.prompts().size())
                        .put("text", text.text())
                        .put("tokens", text.tokens())
                        .put("agreement", text.agreement())
                        .put("agreed_characters", text.agreed());
                if (text.loop() == null) {
                    of.putNull("loop");
                } else {
                    of.putObject("loop")
                            .put("onset", text.loop().onset())
                            .put("period", text.loop().period());
                }
            }
        }
    }
}
