package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.datasets.Corpora;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.eval.CalibrationSize;
import org.bitscarp.model.Imatrix;
import picocli.CommandLine.Option;

/** Text on which solvers learn what the inputs of a matrix are like. */
final class CalibrationOptions {
    /** Option of those commands that can reuse a calibration. */
    static final String HESSIANS = "--hessians";

    static final String HESSIANS_DESCRIPTION =
            "Folder in which the statistics of a full-precision calibration are kept, and from which another run on the"
                    + " same model and --calibration takes them; results are the same with and without it. Not for gptaq,"
                    + " gptq-sequential, gptq-published and gptq-actorder, which measure inputs of their own.";

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

    @Option(
            names = "--samples",
            paramLabel = "N",
            description = "Windows of the calibration text to use, instead of --calibration-tokens.")
    Integer samples;

    @Option(
            names = "--calibration-context",
            paramLabel = "N",
            description =
                    "Tokens in a window of the calibration text; default: as long as the model was made for, at most"
                            + " 2048 and --calibration-tokens.")
    Integer context;

    @Option(
            names = "--imatrix",
            paramLabel = "FILE",
            description = "Importance matrix of llama.cpp (GGUF or .dat) instead of --calibration, for levels that use"
                    + " no more than that (…:search); gptq and awq need --calibration all the same.")
    Path imatrix;

    /** Sensitivity is measured, on text. */
    void requireForBudget(String budget) {
        if (text == null) {
            throw new UsageException("--budget " + budget + ": sensitivity is measured on calibration text; give"
                    + " --calibration builtin-calibration, a file or a data set");
        }
        if (imatrix != null) {
            throw new UsageException(
                    "--imatrix and --budget: sensitivity is measured on calibration text; leave --imatrix out");
        }
    }

    /** The folder of {@link #HESSIANS}, which makes sense with a text only. */
    Path checked(Path hessians) {
        if (hessians != null && text == null) {
            throw new UsageException(
                    HESSIANS + " " + hessians + " keeps what calibration text tells; give --calibration"
                            + " builtin-calibration, a file or a data set");
        }
        return hessians;
    }

    /** The importance matrix, or null. */
    Imatrix imatrix() throws IOException {
        return imatrix == null ? null : Imatrix.read(imatrix);
    }

    /** The text, or null. */
    Corpus read(Corpora corpora) throws IOException {
        return text == null ? null : corpora.read(text);
    }

    CalibrationSize size() {
        return new CalibrationSize(
                TextOptions.positive("--calibration-tokens", tokens),
                samples == null ? 0 : TextOptions.positive("--samples", samples),
                context == null ? 0 : TextOptions.positive("--calibration-context", context));
    }
}
