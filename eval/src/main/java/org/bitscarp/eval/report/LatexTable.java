package org.bitscarp.eval.report;

import java.util.List;
import java.util.SequencedMap;
import java.util.stream.Collectors;

/** A table for LaTeX with the package booktabs, everything in it escaped. */
final class LatexTable {
    private LatexTable() {}

    /**
     * A floating table that fits the text width of an article; the first column is flush left, the others flush right.
     *
     * @param comment lines in front of it
     * @param groups rows by the heading of their group, which is shown where there are several
     * @param notes small print below it, a paragraph each
     */
    static String render(
            List<String> comment,
            String caption,
            String label,
            List<String> head,
            SequencedMap<String, List<List<String>>> groups,
            List<String> notes) {
        StringBuilder out = new StringBuilder();
        comment.forEach(line -> out.append("% ").append(flat(line)).append('\n'));
        out.append("\\begin{table}\n\\centering\n\\setlength{\\belowcaptionskip}{6pt}\n\\caption{")
                .append(escape(caption))
                .append("}\n");
        out.append("\\label{").append(label).append("}\n\\footnotesize\n\\setlength{\\tabcolsep}{3pt}\n");
        out.append("\\begin{tabular}{@{}l").append("r".repeat(head.size() - 1)).append("@{}}\n\\toprule\n");
        line(out, head);
        groups.forEach((heading, rows) -> {
            out.append("\\midrule\n");
            if (groups.size() > 1) {
                out.append("\\multicolumn{").append(head.size()).append("}{l}{\\emph{");
                out.append(escape(heading)).append("}} \\\\\n");
            }
            rows.forEach(row -> line(out, row));
        });
        out.append("\\bottomrule\n\\end{tabular}\n");
        if (!notes.isEmpty()) {
            out.append("\n\\medskip\n\\begin{minipage}{\\linewidth}\\raggedright\n");
            notes.forEach(note -> out.append(escape(note)).append("\\par\n"));
            out.append("\\end{minipage}\n");
        }
        return out.append("\\end{table}\n").toString();
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
                case '★' -> out.append("$^\\star$");
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
