package org.bitscarp.datasets.tasks;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * The layouts of multiple-choice files, and what a model is shown of each. Prompts are those of EleutherAI's
 * lm-evaluation-harness (tasks {@code arc_easy}, {@code piqa}, {@code hellaswag}), so that accuracies can be compared.
 */
public enum TaskLayout {
    /** ARC as on the hub ({@code question}, {@code choices {text, label}}, {@code answerKey}) or as first published. */
    ARC("ARC", "Question: …\\nAnswer: …") {
        @Override
        boolean fits(JsonNode row) {
            return row.has("answerKey");
        }

        @Override
        Question read(JsonNode row) {
            JsonNode question = row.path("question");
            JsonNode list = question.isObject() ? question.path("choices") : row.path("choices");
            String stem = question.isObject() ? string(question, "stem") : string(row, "question");
            List<String> texts = new ArrayList<>();
            List<String> labels = new ArrayList<>();
            if (list.isArray()) {
                list.forEach(choice -> {
                    texts.add(string(choice, "text"));
                    labels.add(string(choice, "label"));
                });
            } else {
                list.path("text").forEach(text -> texts.add(text.asString()));
                list.path("label").forEach(label -> labels.add(label.asString()));
            }
            return new Question(asked(stem), texts, labels.indexOf(string(row, "answerKey")));
        }
    },
    /** PIQA: {@code goal}, {@code sol1}, {@code sol2}, {@code label}. */
    PIQA("PIQA", "Question: …\\nAnswer: …") {
        @Override
        boolean fits(JsonNode row) {
            return row.has("goal") && row.has("sol1");
        }

        @Override
        Question read(JsonNode row) {
            return new Question(
                    asked(string(row, "goal")),
                    List.of(string(row, "sol1"), string(row, "sol2")),
                    index(row, "label", List.of()));
        }
    },
    /** HellaSwag: {@code activity_label}, {@code ctx} or its two parts, {@code endings}, {@code label}. */
    HELLASWAG("HellaSwag", "activity: context ending") {
        private final Pattern markup = Pattern.compile("\\[[^\\]]*\\]");

        @Override
        boolean fits(JsonNode row) {
            return row.has("endings");
        }

        @Override
        Question read(JsonNode row) {
            String context = row.has("ctx_a")
                    ? string(row, "ctx_a") + " " + capitalized(string(row, "ctx_b"))
                    : string(row, "ctx");
            String activity = row.has("activity_label") ? string(row, "activity_label") + ": " : "";
            List<String> endings = new ArrayList<>();
            row.path("endings").forEach(e -> endings.add(cleaned(e.asString())));
            return new Question(cleaned(activity + context), endings, index(row, "label", List.of()));
        }

        private String cleaned(String text) {
            return markup.matcher(text.strip().replace(" [title]", ". "))
                    .replaceAll("")
                    .replace("  ", " ");
        }

        /** Python's {@code str.capitalize}. */
        private static String capitalized(String text) {
            return text.isEmpty()
                    ? text
                    : text.substring(0, 1).toUpperCase(java.util.Locale.ROOT)
                            + text.substring(1).toLowerCase(java.util.Locale.ROOT);
        }
    },
    /** Instructions with numbered answers in one string ({@code instruction}, {@code answer}), as adapters are tuned on. */
    INSTRUCTION("instruction", "Question: …\\nAnswer: …") {
        private final Pattern head = Pattern.compile("\\A[^:\\n]{0,80}question:\\s*", Pattern.CASE_INSENSITIVE);
        private final Pattern choice =
                Pattern.compile("(?:^|\\s)(?:Answer|Solution|Ending|Option)(\\d):", Pattern.CASE_INSENSITIVE);

        @Override
        boolean fits(JsonNode row) {
            return row.has("instruction") && row.has("answer");
        }

        @Override
        Question read(JsonNode row) {
            String text = string(row, "instruction");
            int end = text.lastIndexOf("\n\nAnswer format:");
            String body = head.matcher(end < 0 ? text : text.substring(0, end)).replaceFirst("");
            List<String> choices = new ArrayList<>();
            Matcher matcher = choice.matcher(body);
            int stem = body.length();
            int from = -1;
            while (matcher.find()) {
                if (Integer.parseInt(matcher.group(1)) != choices.size() + (from < 0 ? 1 : 2)) {
                    continue;
                }
                if (from < 0) {
                    stem = matcher.start();
                } else {
                    choices.add(body.substring(from, matcher.start()).strip());
                }
                from = matcher.end();
            }
            if (from >= 0) {
                choices.add(body.substring(from).strip());
            }
            String answer = string(row, "answer").strip();
            int number = answer.isEmpty() ? -1 : Character.digit(answer.charAt(answer.length() - 1), 10);
            return new Question(asked(body.substring(0, stem).strip()), choices, number - 1);
        }
    },
    /** {@code question} or {@code context}, {@code choices} (or {@code options}), {@code answer} (or {@code label}). */
    PLAIN("plain", "question choice") {
        @Override
        boolean fits(JsonNode row) {
            return list(row) != null && text(row) != null;
        }

        @Override
        Question read(JsonNode row) {
            List<String> choices = new ArrayList<>();
            row.path(list(row)).forEach(c -> choices.add(c.asString()));
            return new Question(
                    string(row, text(row)).stripTrailing(),
                    choices,
                    index(row, row.has("answer") ? "answer" : "label", choices));
        }

        private static String list(JsonNode row) {
            return row.path("choices").isArray()
                    ? "choices"
                    : row.path("options").isArray() ? "options" : null;
        }

        private static String text(JsonNode row) {
            return row.has("question")
                    ? "question"
                    : row.has("context") ? "context" : row.has("query") ? "query" : null;
        }
    };

    private final String text;
    private final String prompt;

    TaskLayout(String text, String prompt) {
        this.text = text;
        this.prompt = prompt;
    }

    /** As reports call it. */
    public String text() {
        return text;
    }

    /** What the model is shown, for reports. */
    public String prompt() {
        return prompt;
    }

    abstract boolean fits(JsonNode row);

    /** @throws IllegalArgumentException when a row of this layout has no usable question */
    abstract Question read(JsonNode row);

    private static String asked(String question) {
        return "Question: " + question + "\nAnswer:";
    }

    private static String string(JsonNode row, String name) {
        JsonNode value = row.path(name);
        if (!value.isString() && !value.isNumber()) {
            throw new IllegalArgumentException("no text under \"" + name + "\"");
        }
        return value.asString();
    }

    /** Index of the right choice: a number, a letter from A on, or one of the choices itself. */
    private static int index(JsonNode row, String name, List<String> choices) {
        JsonNode value = row.path(name);
        if (value.isIntegralNumber()) {
            return value.asInt();
        }
        String answer = string(row, name).strip();
        if (choices.contains(answer)) {
            return choices.indexOf(answer);
        }
        if (answer.length() == 1 && Character.isLetter(answer.charAt(0))) {
            return Character.toUpperCase(answer.charAt(0)) - 'A';
        }
        try {
            return Integer.parseInt(answer);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "\"" + name + "\" is neither an index, a letter nor one of the choices", e);
        }
    }
}
