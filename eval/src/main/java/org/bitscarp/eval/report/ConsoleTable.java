package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bitscarp.eval.report.Cells.Standing;
import org.bitscarp.eval.report.SweepResult.Row;

/** The rows of a sweep as a text table for a terminal, with the levels on both sides of the cliff marked. */
public final class ConsoleTable {
    /** Columns of a terminal that the table fits in unless told otherwise. */
    public static final int WIDTH = 120;

    /** Level names longer than this are shortened; the files have them in full. */
    private static final int LEVEL = 28;

    /**
     * How to draw.
     *
     * @param ascii only characters of ASCII, for terminals that know no other
     * @param colour ANSI colours: green within half of the threshold, yellow within it, red beyond
     * @param width columns to fit in
     */
    public record Style(boolean ascii, boolean colour, int width) {}

    /**
     * @param group columns of one group stand closer together
     * @param optional order in which columns are left out of a narrow table, 0 for never; the last of equals goes first
     */
    private record Column(String title, boolean left, int group, int optional, Function<Row, String> cell) {}

    private final SweepResult result;
    private final Style style;
    private final Cells cells;

    private ConsoleTable(SweepResult result, Style style) {
        this.result = result;
        this.style = style;
        this.cells = new Cells(result);
    }

    /** Lines of at most {@code style.width()} columns, each with a final line feed. */
    public static String render(SweepResult result, Style style) {
        return new ConsoleTable(result, style).render();
    }

    private String render() {
        List<Column> columns = columns();
        List<String> dropped = new ArrayList<>();
        while (width(columns) > style.width()) {
            Column next = columns.stream()
                    .filter(c -> c.optional() > 0)
                    .reduce((a, b) -> b.optional() <= a.optional() ? b : a)
                    .orElse(null);
            if (next == null) {
                break;
            }
            columns.remove(next);
            dropped.add(next.title());
        }
        StringBuilder out = new StringBuilder();
        rule(out, columns, "┬");
        line(out, columns, columns.stream().map(Column::title).toList(), "", "");
        rule(out, columns, "┼");
        for (Row row : result.rows()) {
            line(out, columns, columns.stream().map(c -> c.cell().apply(row)).toList(), colour(row), mark(row));
        }
        rule(out, columns, "┴");
        legend(out, dropped);
        return style.ascii() ? ascii(out.toString()) : out.toString();
    }

    private List<Column> columns() {
        List<Column> columns = new ArrayList<>();
        columns.add(new Column("level", true, 0, 0, r -> shortened(r.level())));
        columns.add(new Column("bits/w", false, 0, 0, r -> Figures.bitsColumn(r.bitsPerWeight())));
        columns.add(new Column("MB", false, 0, 0, cells::megabytes));
        columns.add(new Column("perplexity", false, 1, 0, r -> cells.perplexity(r, 0)));
        columns.add(new Column(style.ascii() ? "+-" : "±", false, 1, 4, cells::stderr));
        columns.add(new Column(style.ascii() ? "delta %" : "Δ %", false, 1, 0, cells::delta));
        columns.add(new Column("95 % interval", false, 1, 5, cells::interval));
        if (result.statistics() != null) {
            columns.add(new Column("ties", false, 1, 8, cells::ties));
            columns.add(new Column("verdict", true, 1, 9, cells::verdict));
        }
        for (int i = 1; i < result.protocols().size(); i++) {
            int protocol = i;
            String name = result.protocols().get(i).name();
            columns.add(new Column(
                    "ppl " + (name.length() > 10 ? name.substring(0, 9) + "…" : name),
                    false,
                    2,
                    i == 1 ? 6 : 3,
                    r -> cells.perplexity(r, protocol)));
        }
        columns.add(new Column("KL", false, 3, 0, cells::divergence));
        columns.add(new Column("top-1 %", false, 3, 7, cells::sameTop1));
        columns.add(new Column("bits/byte", false, 3, 1, cells::bitsPerByte));
        columns.add(new Column("s", false, 4, 2, r -> Figures.seconds(r.seconds())));
        return columns;
    }

    private void line(StringBuilder out, List<Column> columns, List<String> texts, String colour, String mark) {
        StringBuilder line = new StringBuilder(mark.isEmpty() ? "  " : mark + " ");
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            if (i > 0) {
                line.append(column.group() == columns.get(i - 1).group() ? "  " : " │ ");
            }
            String text = texts.get(i);
            String pad = " ".repeat(Math.max(0, width(column) - text.length()));
            boolean painted = !colour.isEmpty() && column.group() <= 1;
            String shown = painted ? colour + text + "\u001b[0m" : text;
            boolean last = i == columns.size() - 1;
            line.append(column.left() ? shown + (last ? "" : pad) : pad + shown);
        }
        out.append(line).append('\n');
    }

    private void rule(StringBuilder out, List<Column> columns, String crossing) {
        out.append("──");
        for (int i = 0; i < columns.size(); i++) {
            if (i > 0) {
                boolean same = columns.get(i).group() == columns.get(i - 1).group();
                out.append(same ? "──" : "─" + crossing + "─");
            }
            out.append("─".repeat(width(columns.get(i))));
        }
        out.append('\n');
    }

    private void legend(StringBuilder out, List<String> dropped) {
        List<String> parts = new ArrayList<>();
        if (result.rows().stream().anyMatch(cells::lastSafe)) {
            parts.add(
                    "✓ last safe (" + Figures.allowance(1 + result.statistics().marginUsed()) + ")");
        }
        if (result.rows().stream().anyMatch(cells::falls)) {
            parts.add("▼ falls here (" + Figures.allowance(Verdict.threshold(result)) + ")");
        }
        if (result.rows().stream().anyMatch(r -> !r.reference() && r.score().tied())) {
            parts.add("≈ tied with the reference");
        }
        parts.add("KL in nats per token");
        out.append("  ").append(String.join("   ", parts)).append('\n');
        long wrong = result.rows().stream().filter(r -> r.nonfinite() > 0).count();
        if (wrong > 0) {
            out.append("  ").append(wrong).append(wrong == 1 ? " level has" : " levels have");
            out.append(" scores that are not finite; they are in no sum\n");
        }
        if (!dropped.isEmpty()) {
            out.append("  too wide for this terminal, see the files: ").append(String.join(", ", dropped));
            out.append('\n');
        }
    }

    private String mark(Row row) {
        return cells.falls(row) ? "▼" : cells.lastSafe(row) ? "✓" : "";
    }

    private String colour(Row row) {
        if (!style.colour()) {
            return "";
        }
        Standing standing = cells.standing(row);
        return switch (standing) {
            case REFERENCE -> "\u001b[1m";
            case GOOD -> "\u001b[32m";
            case FAIR -> "\u001b[33m";
            case FALLEN -> "\u001b[31m";
        };
    }

    private int width(List<Column> columns) {
        int total = 2;
        for (int i = 0; i < columns.size(); i++) {
            total += width(columns.get(i));
            if (i > 0) {
                total += columns.get(i).group() == columns.get(i - 1).group() ? 2 : 3;
            }
        }
        return total;
    }

    private int width(Column column) {
        return result.rows().stream()
                .mapToInt(r -> column.cell().apply(r).length())
                .reduce(column.title().length(), Math::max);
    }

    /** Files differ in the end of their names. Control characters of a hostile one must not reach a terminal. */
    private static String shortened(String level) {
        String clean = level.replaceAll("[\\p{Cntrl}\\p{Cf}]", "?");
        int end = clean.length() - LEVEL * 2 / 3;
        return clean.length() > LEVEL
                ? clean.substring(0, LEVEL - 1 - LEVEL * 2 / 3) + "…" + clean.substring(end)
                : clean;
    }

    /** One character for each, so that columns keep their widths. */
    private static String ascii(String text) {
        StringBuilder out = new StringBuilder(text.length());
        for (char c : text.toCharArray()) {
            out.append(
                    switch (c) {
                        case '─' -> '-';
                        case '│' -> '|';
                        case '┬', '┼', '┴' -> '+';
                        case '✓' -> '*';
                        case '▼' -> 'v';
                        case '≈' -> '~';
                        case '…' -> '.';
                        case '–' -> '-';
                        default -> c < 128 ? c : '?';
                    });
        }
        return out.toString();
    }
}
