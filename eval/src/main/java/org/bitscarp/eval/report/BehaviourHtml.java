package org.bitscarp.eval.report;

/** The sections of {@code report.html} on what levels answer and write. */
final class BehaviourHtml {
    private BehaviourHtml() {}

    static void add(Svg html, SweepResult.Behaviour behaviour) {
        if (behaviour.passage() != null) {
            PassageHtml.add(html, behaviour.passage());
        }
        if (!behaviour.tasks().isEmpty()) {
            html.open("section", "aria-labelledby", "tasks");
            html.element("h2", "What they answer", "id", "tasks");
            for (TaskResult task : behaviour.tasks()) {
                task(html, task);
            }
            html.element("p", BehaviourTables.TASK_LEGEND, "class", "legend")
                    .close()
                    .newline();
        }
        if (behaviour.continuations() != null) {
            writing(html, behaviour.continuations());
        }
    }

    private static void task(Svg html, TaskResult task) {
        HtmlPage.table(
                html,
                "task-" + task.name(),
                BehaviourTables.title(task),
                BehaviourTables.TASK_HEAD,
                BehaviourTables.rows(task));
    }

    private static void writing(Svg html, Continuations continuations) {
        html.open("section", "aria-labelledby", "writing");
        html.element("h2", "What they write", "id", "writing");
        HtmlPage.table(
                html,
                "writing-levels",
                continuations.tokens() + " tokens behind each of "
                        + continuations.prompts().size() + " prompts, "
                        + String.join(" and ", continuations.samplers()),
                BehaviourTables.WRITING_HEAD,
                BehaviourTables.rows(continuations));
        html.element("p", BehaviourTables.WRITING_LEGEND, "class", "legend").newline();
        int prompts = continuations.prompts().size();
        for (int s = 0; s < prompts * continuations.samplers().size(); s++) {
            texts(html, continuations, s);
        }
        html.close().newline();
    }

    /** One prompt by one sampler: every level's text, what agrees with the reference in a lighter tone. */
    private static void texts(Svg html, Continuations continuations, int index) {
        int prompt = index % continuations.prompts().size();
        String sampler =
                continuations.samplers().get(index / continuations.prompts().size());
        html.open("details", "class", "texts", "open", index == 0 ? "open" : null);
        html.open("summary")
                .element("b", "Prompt " + (prompt + 1) + ", " + sampler)
                .close();
        html.element("blockquote", continuations.prompts().get(prompt));
        html.open("dl", "class", "written");
        for (Continuations.OfLevel level : continuations.levels()) {
            Continuations.Text text = level.texts().get(index);
            html.open("div").element("dt", level.level()).open("dd");
            html.element("span", text.text().substring(0, text.agreed()), "class", "agreed");
            html.text(text.text().substring(text.agreed()));
            String remark = BehaviourTables.remark(text, continuations.tokens());
            if (!remark.isEmpty()) {
                html.text(" ").element("em", remark, "class", "remark");
            }
            html.close().close().newline();
        }
        html.close().close().newline();
    }
}
