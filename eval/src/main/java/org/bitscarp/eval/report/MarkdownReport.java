package org.bitscarp.eval.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.report.SweepResult.Protocol;
import org.bitscarp.eval.report.SweepResult.Row;

/** {@code report.md}: the verdict, the table and how it was measured, for a pull request or a model card. */
public final class MarkdownReport {
    private MarkdownReport() {}

    /** Writes {@code report.md} in full or not at all. */
    public static void write(SweepResult result, Path file) throws IOException {
        StagedFiles.write(file, render(result));
    }

    /** The whole file as text. */
    public static String render(SweepResult result) {
        StringBuilder out = new StringBuilder();
        out.append("# ").append(escape(Facts.title(result))).append("\n\n");
        out.append("**").append(escape(Verdict.of(result))).append("**\n\n");
        table(out, result);
        out.append('\n').append(escape(Facts.legend())).append("\n\n");
        statistics(out, result);
        behaviour(out, result.behaviour());
        out.append("## How this was measured\n\n");
        for (Facts.Fact fact : Facts.of(result)) {
            out.append("- **").append(escape(fact.name())).append(":** ");
            out.append(fact.code() ? code(fact.value()) : escape(fact.value())).append('\n');
        }
        out.append("- **Cliff rule:** ").append(escape(Facts.rule(result))).append('\n');
        out.append("- **Error bars:** ").append(escape(Facts.errorBars())).append('\n');
        if (!result.notes().isEmpty()) {
            out.append("\n## Notes\n\n");
            result.notes().forEach(note -> out.append("- ").append(escape(note)).append('\n'));
        }
        out.append("\n## Repeat it\n\n");
        block(out, result.command());
        return out.toString();
    }

    private static void table(StringBuilder out, SweepResult result) {
        Cells cells = new Cells(result);
        List<String> head =
                new ArrayList<>(List.of("Level", "Bits/weight", "MB", "Perplexity", "±", "Δ %", "95 % interval"));
        if (result.statistics() != null) {
            head.add("Verdict");
        }
        for (Protocol protocol :
                result.protocols().subList(1, result.protocols().size())) {
            head.add("Perplexity, " + protocol.name());
        }
        head.addAll(List.of("KL", "Same top-1 %", "Bits/byte", "Seconds"));
        line(out, head);
        out.append("|:--").append("|--:".repeat(head.size() - 1)).append("|\n");
        for (Row row : result.rows()) {
            List<String> line = new ArrayList<>();
            line.add(row.level() + (cells.falls(row) ? " (falls)" : cells.lastSafe(row) ? " (last safe)" : ""));
            line.add(Figures.bitsColumn(row.bitsPerWeight()));
            line.add(cells.megabytes(row));
            line.add(cells.perplexity(row, 0));
            line.add(cells.stderr(row));
            line.add(cells.delta(row));
            line.add(cells.interval(row));
            if (result.statistics() != null) {
                line.add(cells.verdict(row));
            }
            for (int i = 1; i < result.protocols().size(); i++) {
                line.add(cells.perplexity(row, i));
            }
            line.add(cells.divergence(row));
            line.add(cells.sameTop1(row));
            line.add(cells.bitsPerByte(row));
            line.add(Figures.seconds(row.seconds()));
            line(out, line);
        }
    }

    private static void statistics(StringBuilder out, SweepResult result) {
        Statistics statistics = result.statistics();
        if (statistics == null) {
            return;
        }
        out.append("## ").append(StatisticsTables.DIFFERENCE_TITLE).append("\n\n");
        table(out, StatisticsTables.DIFFERENCE_HEAD, StatisticsTables.differences(statistics));
        out.append('\n').append(escape(StatisticsTables.DIFFERENCE_LEGEND)).append("\n\n");
        StatisticsTables.sentences(statistics)
                .forEach(sentence -> out.append("- ").append(escape(sentence)).append('\n'));
        out.append("\n## ").append(StatisticsTables.SPREAD_TITLE).append("\n\n");
        table(out, StatisticsTables.SPREAD_HEAD, StatisticsTables.spreads(statistics, result));
        out.append('\n').append(escape(StatisticsTables.SPREAD_LEGEND)).append("\n\n");
        table(out, StatisticsTables.confidenceHead(statistics), StatisticsTables.confidence(statistics));
        out.append('\n').append(escape(StatisticsTables.CONFIDENCE_LEGEND)).append("\n\n");
    }

    private static void behaviour(StringBuilder out, SweepResult.Behaviour behaviour) {
        for (TaskResult task : behaviour.tasks()) {
            out.append("## ").append(escape(BehaviourTables.title(task))).append("\n\n");
            table(out, BehaviourTables.TASK_HEAD, BehaviourTables.rows(task));
            out.append('\n').append(escape(BehaviourTables.TASK_LEGEND)).append("\n\n");
        }
        if (behaviour.continuations() != null) {
            out.append("## What they write\n\n");
            table(out, BehaviourTables.WRITING_HEAD, BehaviourTables.rows(behaviour.continuations()));
            out.append('\n').append(escape(BehaviourTables.WRITING_LEGEND)).append("\n\n");
        }
    }

    static void table(StringBuilder out, List<String> head, List<List<String>> rows) {
        line(out, head);
        out.append("|:--").append("|--:".repeat(head.size() - 1)).append("|\n");
        rows.forEach(row -> line(out, row));
    }

    private static void line(StringBuilder out, List<String> cells) {
        for (String cell : cells) {
            out.append("| ").append(escape(cell)).append(' ');
        }
        out.append("|\n");
    }

    /** Text that Markdown and the HTML inside it leave alone (CommonMark 0.31 section 2.4: any ASCII punctuation). */
    static String escape(String text) {
        StringBuilder out = new StringBuilder();
        for (char c : String.valueOf(text).toCharArray()) {
            if (c < ' ' || Character.getType(c) == Character.FORMAT) {
                out.append(' ');
            } else {
                if ("\\`*_[]<>|#~&!$".indexOf(c) >= 0) {
                    out.append('\\');
                }
                out.append(c);
            }
        }
        return out.toString();
    }

    /** A code span with a fence that does not occur in the text. */
    private static String code(String text) {
        String clean = text.replaceAll("\\s+", " ");
        String fence = "`".repeat(longestTicks(clean) + 1);
        return clean.isEmpty() ? "" : fence + (fence.length() > 1 ? " " + clean + " " : clean) + fence;
    }

    static void block(StringBuilder out, String text) {
        String fence = "`".repeat(Math.max(3, longestTicks(text) + 1));
        out.append(fence).append("sh\n").append(text).append('\n').append(fence).append('\n');
    }

    private static int longestTicks(String text) {
        int longest = 0;
        int run = 0;
        for (char c : text.toCharArray()) {
            run = c == '`' ? run + 1 : 0;
            longest = Math.max(longest, run);
        }
        return longest;
    }
}
