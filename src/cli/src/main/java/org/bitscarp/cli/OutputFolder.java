package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bitscarp.eval.report.ReportFiles;
import org.bitscarp.eval.report.StagedFiles;

/** A folder for results. */
final class OutputFolder {
    private OutputFolder() {}

    /** Finds out before the work whether its result can be written, and clears what a killed process left half written. */
    static void prepare(Path out) throws IOException {
        try {
            StagedFiles.prepare(out);
            Path scores = out.resolve(ReportFiles.SCORES);
            if (Files.isDirectory(scores)) {
                StagedFiles.prepare(scores);
            }
        } catch (IOException e) {
            throw new IOException(e.getMessage() + "; give another --out", e);
        }
    }
}
