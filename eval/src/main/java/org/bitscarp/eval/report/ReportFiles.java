package org.bitscarp.eval.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import org.bitscarp.model.WriteFailure;

/** The four files of a sweep. */
public final class ReportFiles {
    public static final String HTML = "report.html";
    public static final String MARKDOWN = "report.md";
    public static final String CSV = "results.csv";
    public static final String JSON = "results.json";
    /** Folder of score files, beside the reports. */
    public static final String SCORES = "scores";

    private ReportFiles() {}

    /**
     * Writes {@code report.html}, {@code report.md}, {@code results.csv} and {@code results.json}. None is touched
     * before all of them are on the disk under temporary names.
     *
     * @param folder is created when absent
     * @throws IOException one line that names the file that could not be written and says why
     */
    public static void writeAll(SweepResult result, Path folder) throws IOException {
        writeAll(result, folder, StagedFiles::toDisk);
    }

    static void writeAll(SweepResult result, Path folder, StagedFiles.Sink sink) throws IOException {
        SequencedMap<Path, String> files = new LinkedHashMap<>();
        files.put(folder.resolve(HTML), HtmlReport.render(result));
        files.put(folder.resolve(MARKDOWN), MarkdownReport.render(result));
        files.put(folder.resolve(CSV), CsvReport.render(result));
        files.put(folder.resolve(JSON), JsonReport.render(result));
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw WriteFailure.of(folder, e);
        }
        StagedFiles.write(files, sink);
    }
}
