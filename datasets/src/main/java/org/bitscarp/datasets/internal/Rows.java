package org.bitscarp.datasets.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bitscarp.datasets.TextException;

/** The text column of a data set's file, row by row, up to a number of rows and of characters. */
public final class Rows {
    /** Columns that hold the text, by preference: that of nearly every text data set, and that of the Penn Treebank. */
    static final List<String> COLUMNS = List.of("text", "sentence", "content");

    private final Path file;
    private final int maxRows;
    private final long maxChars;
    private final List<String> rows = new ArrayList<>();
    private long chars;

    private Rows(Path file, int maxRows, long maxChars) {
        this.file = file;
        this.maxRows = maxRows;
        this.maxChars = maxChars;
    }

    /** Whether a file of this name holds rows, not plain text. */
    public static boolean in(Path file) {
        String name = name(file);
        return name.endsWith(".parquet") || JsonLines.in(name);
    }

    /**
     * Reads a file of rows.
     *
     * @param maxRows rows to read at most
     * @param maxChars a file with more is refused
     * @return rows in order; null where a row has no value
     */
    public static List<String> read(Path file, int maxRows, long maxChars) throws IOException {
        Rows rows = new Rows(file, maxRows, maxChars);
        if (name(file).endsWith(".parquet")) {
            ParquetText.read(file, rows);
        } else {
            JsonLines.read(file, rows);
        }
        return rows.rows;
    }

    private static String name(Path file) {
        return file.getFileName().toString().toLowerCase(Locale.ROOT);
    }

    /** Whether more rows are wanted. */
    boolean wanted() {
        return rows.size() < maxRows;
    }

    void add(String row) throws TextException {
        rows.add(row);
        // One for the row itself, so that rows without text cannot go on for ever.
        chars += 1 + (row == null ? 0 : row.length());
        if (chars > maxChars) {
            throw new TextException(file + " holds more than " + maxChars + " characters of text; use a smaller part");
        }
    }
}
