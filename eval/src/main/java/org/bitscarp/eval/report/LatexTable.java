package org.bitscarp.eval.report;

import java.util.List;
import java.util.stream.Collectors;

/** A table for LaTeX with the package booktabs, everything in it escaped. */
final class LatexTable {
    private LatexTable() {}

    /**
     * A floating table; the first {@code texts} columns are flush left, the others flush right.
     *
     * @param comment lines in front of it
     * @param breaks rows in front of which a thin rule goes
     */
    static String render(
            List<String> comment,
            String caption,
            String label,
            List<String> head,
            int texts,
            List<List<String>> rows,
            List<Integer> breaks) {
        StringBuilder out = new StringBuilder();
        comment.forEach(line -> out.append("% ").append(flat(line)).append('\n'));
        out.append("\\begin{table}\n\\centering\n\\caption{")
                .append(escape(caption))
                .append("}\n");
        out.append("\\label{").append(label).append("}\n");
        out.append("\\begin{tabular}{").append("l".repeat(texts)).append("r".repeat(head.size() - texts));
        out.append("}\n\\toprule\n");
        line(out, head);
        out.append("\\midrule\n");
        for (int i = 0; i < rows.size(); i++) {
            if (breaks.contains(i)) {
                out.append("\\midrule\n");
            }
            line(out, rows.get(i));
        }
        return out.append("\\bottomrule\n\\end{tabular}\n\\end{table}\n").toString();
    }

    /** Cells begin with an empty group, so that a bracket is not read as an argument of the line break before it. */
    private static void line(StringBuilder out, List<String> cells) {
        out.append(cells.stream()
                        .map(LatexTable::escape)
                        .map(c -> c.startsWith("[") || c.startsWith("*") ? "{}" + c : c)
                        .collect(Collectors.joining(" & ")))
                .append(" \\\\\n");
    }

    /** Text that LaTeX sets as it is; signs that its text fonts lack become mathematics. */
    static String escape(String text) {
        StringBuilder out = new StringBuilder();
        flat(text).codePoints().forEach(c -> {
            switch (c) {
                case '\\' -> out.append("\\textbackslash{}");
                case '{', '}', '$', '&', '#', '%', '_' -> out.append('\\').appendCodePoint(c);
                case '^' -> out.append("\\textasciicircum{}");
                case '~' -> out.append("\\textasciitilde{}");
                case '<' -> out.append("\\textless{}");
                case '>' -> out.append("\\textgreater{}");
                case '|' -> out.append("\\textbar{}");
                case '"' -> out.append("\\textquotedbl{}");
                case '`' -> out.append("\\textasciigrave{}");
                case 'Δ' -> out.append("$\\Delta$");
                case '≈' -> out.append("$\\approx$");
                case '±' -> out.append("$\\pm$");
                case '‖' -> out.append("$\\|$");
                case '–' -> out.append("--");
                case '…' -> out.append("\\ldots{}");
                case '-' -> out.append("{-}");
                default -> out.appendCodePoint(c);
            }
        });
        return out.toString();
    }

    /** One line without characters that control or that turn the direction of text. */
    private static String flat(String text) {
        return String.valueOf(text)
                .codePoints()
                .map(c -> Character.isISOControl(c)
                                || Character.getType(c) == Character.FORMAT
                                || Character.getType(c) == Character.SURROGATE
                        ? ' '
                        : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
