package org.bitscarp.datasets;

import java.util.List;

/**
 * How the rows of a data set become one text. Perplexities of two rules differ, so the rule is part of the text's name.
 *
 * @param description for people and reports
 * @param separator between two rows
 * @param blank what an empty row stands for
 * @param maxRows rows from the beginning that are used
 */
public record JoinRule(String description, String separator, String blank, int maxRows) {
    /**
     * A blank line between rows, the rule for WikiText-2 in GPTQ ({@code datautils.get_wikitext2}), AWQ and most papers
     * since, and in the Hugging Face guide to perplexity.
     */
    public static final JoinRule PARAGRAPHS = new JoinRule("rows joined by \\n\\n", "\n\n", "", Integer.MAX_VALUE);

    /**
     * The file that the rows of WikiText were made from, which llama.cpp's figures are measured on: a row is a line with
     * its line end, and the builder of the data set put an empty row for each blank line, {@code " \n"}.
     */
    public static final JoinRule LINES = new JoinRule("lines of the original file", "", " \n", Integer.MAX_VALUE);

    /**
     * The first 1100 documents with a space between them, the rule for the validation part of C4 in GPTQ
     * ({@code datautils.get_c4_new}), which then takes the first 256 windows.
     */
    public static final JoinRule C4 = new JoinRule("first 1100 rows joined by a space", " ", "", 1100);

    /** A space between rows, the rule for the Penn Treebank in GPTQ ({@code datautils.get_ptb_new}). */
    public static final JoinRule SENTENCES = new JoinRule("rows joined by a space", " ", "", Integer.MAX_VALUE);

    /** Joins rows; a missing row counts as empty. */
    String join(List<String> rows) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(rows.size(), maxRows); i++) {
            if (i > 0) {
                text.append(separator);
            }
            String row = rows.get(i);
            text.append(row == null || row.isEmpty() ? blank : row);
        }
        return text.toString();
    }
}
