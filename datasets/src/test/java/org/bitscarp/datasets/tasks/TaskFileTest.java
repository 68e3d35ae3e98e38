package org.bitscarp.datasets.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.bitscarp.datasets.TextException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TaskFileTest {
    private static final String ARC_HUB = """
            {"id": "a", "question": "What falls?", "choices": {"text": ["Rain", "Time"], "label": ["1", "2"]}, "answerKey": "1"}
            """;
    private static final String ARC_PUBLISHED = """
            {"id": "a", "question": {"stem": "What falls?", "choices": [{"text": "Rain", "label": "A"}, {"text": "Time", "label": "B"}]}, "answerKey": "B"}
            """;
    private static final String PIQA = """
            {"goal": "open a jar", "sol1": "turn the lid", "sol2": "sing to it", "label": 0}
            """;
    private static final String HELLASWAG = """
            {"activity_label": "Cooking", "ctx_a": "A man stirs. [title] Soup", "ctx_b": "he THEN", "endings": ["eats [step] it.", "flies  away."], "label": "1"}
            """;
    private static final String INSTRUCTION = """
            [{"instruction": "Please choose the correct answer to the question: What falls?\\n\\nAnswer1: Rain in Answer2: Time\\n\\nAnswer format: answer1/answer2", "input": "", "output": "the correct answer is answer2", "answer": "answer2"}]
            """;
    private static final String PLAIN = """
            {"question": "Rain", "choices": ["falls", "rises"], "answer": "falls"}

            {"context": "Time", "options": ["falls", "flies"], "label": "B"}
            """;

    @TempDir
    private Path folder;

    private Task read(String content) throws IOException {
        return TaskFile.read(Files.writeString(folder.resolve("task.json"), content));
    }

    private void assertOne(String content, TaskLayout layout, Question expected) throws IOException {
        Task task = read(content);
        assertEquals(layout, task.layout());
        assertEquals(List.of(expected), task.questions());
    }

    /** Prompts are what lm-evaluation-harness 0.4 builds of the same rows. */
    @Test
    void publishedLayoutsGiveTheHarnesssPrompts() throws IOException {
        String asked = "Question: What falls?\nAnswer:";
        assertOne(ARC_HUB, TaskLayout.ARC, new Question(asked, List.of("Rain", "Time"), 0));
        assertOne(ARC_PUBLISHED, TaskLayout.ARC, new Question(asked, List.of("Rain", "Time"), 1));
        assertOne(
                PIQA,
                TaskLayout.PIQA,
                new Question("Question: open a jar\nAnswer:", List.of("turn the lid", "sing to it"), 0));
        assertOne(
                HELLASWAG,
                TaskLayout.HELLASWAG,
                new Question("Cooking: A man stirs.. Soup He then", List.of("eats it.", "flies away."), 1));
        assertOne(INSTRUCTION, TaskLayout.INSTRUCTION, new Question(asked, List.of("Rain in", "Time"), 1));
    }

    @Test
    void plainRowsTakeIndexLetterOrTheChoiceItself() throws IOException {
        Task task = read(PLAIN);
        assertEquals(TaskLayout.PLAIN, task.layout());
        assertEquals(
                List.of(
                        new Question("Rain", List.of("falls", "rises"), 0),
                        new Question("Time", List.of("falls", "flies"), 1)),
                task.questions());
        assertEquals(0.5, task.chance());
        assertEquals(1, task.first(1).questions().size());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"a\": 1}|known layouts",
                "{\"question\": \"x\", \"choices\": [\"a\"], \"answer\": 0}|expected at least two",
                "{\"question\": \"x\", \"choices\": [\"a\", \"b\"], \"answer\": 2}|answer 2 of 2",
                "{\"question\": \"x\", \"choices\": [\"a\", \"b\"]}|no text under \"label\"",
                "{\"question\": \"x\", \"choices\": [\"a\", \"\"], \"answer\": 0}|choice 1 is empty",
                "{\"goal\": \"x\", \"sol1\": \"a\", \"sol2\": \"b\", \"label\": -1}|hidden test set",
                "{\"question\": |line 1 is not JSON",
                "[1, 2]|known layouts",
                "[]|holds no question"
            })
    void whatIsWrongIsSaid(String content, String expected) {
        TextException e = assertThrows(TextException.class, () -> read(content));
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }

    /** Whatever one changes in a file, it is read or refused with a message. */
    @Test
    void damagedFilesAreReadOrRefused() throws IOException {
        String[] samples = {ARC_HUB, ARC_PUBLISHED, PIQA, HELLASWAG, INSTRUCTION, PLAIN};
        Random random = new Random(7);
        for (int i = 0; i < 3000; i++) {
            StringBuilder damaged = new StringBuilder(samples[i % samples.length]);
            for (int change = 0; change < 1 + i % 3; change++) {
                int at = random.nextInt(damaged.length());
                switch (random.nextInt(3)) {
                    case 0 -> damaged.deleteCharAt(at);
                    case 1 -> damaged.setCharAt(at, "{}[]\",:0x".charAt(random.nextInt(9)));
                    default -> damaged.insert(at, damaged.substring(at, Math.min(damaged.length(), at + 9)));
                }
            }
            String content = damaged.toString();
            try {
                assertTrue(read(content).questions().size() > 0, content);
            } catch (TextException e) {
                assertTrue(e.getMessage().startsWith("task "), e.getMessage());
            }
        }
    }
}
