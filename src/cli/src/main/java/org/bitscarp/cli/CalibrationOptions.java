package org.bitscarp.cli;

import java.io.IOException;
import org.bitscarp.datasets.Corpora;
import org.bitscarp.datasets.Corpus;
import picocli.CommandLine.Option;

/** Text on which solvers learn what the inputs of a matrix are like. */
final class CalibrationOptions {
    @Option(
            names = "--calibration",
            paramLabel = "TEXT",
            description = "Text on which importances are gathered, for levels that use them (…:search);"
                    + " 'builtin-calibration' is one. Should differ from --text.")
    String text;

    @Option(
            names = "--calibration-tokens",
            defaultValue = "65536",
            paramLabel = "N",
            description = "Tokens of the calibration text to use; default: ${DEFAULT-VALUE}.")
    int tokens;

    /** The text, or null. */
    Corpus read(Corpora corpora) throws IOException {
        return text == null ? null : corpora.read(text);
    }

    int tokens() {
        return MeasureOptions.positive("--calibration-tokens", tokens);
    }
}
