package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.bitscarp.compute.Backend;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.datasets.Corpora;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.eval.Judgement;
import org.bitscarp.eval.SweepRequest;
import org.bitscarp.eval.SweepRows;
import org.bitscarp.eval.SweepRunner;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.generate.ContinuationRequest;
import org.bitscarp.eval.report.CliffRule;
import org.bitscarp.eval.report.SweepResult;
import org.bitscarp.eval.resume.Keeping;
import org.bitscarp.model.Checkpoint;
import picocli.CommandLine.Model.CommandSpec;

/** What {@code sweep} and {@code perplexity} do alike: from options to a result, with progress on the way. */
final class Measurement {
    /**
     * What a sweep does beside measuring perplexity.
     *
     * @param scoresFolder for the scores of all tokens, or null
     * @param hessians folder of calibration statistics, or null
     * @param keeping of what an interrupted sweep goes on from
     */
    record Extras(
            List<Task> tasks,
            ContinuationRequest continuations,
            Judgement judgement,
            Path scoresFolder,
            Path hessians,
            Keeping keeping) {
        static final Extras NONE = new Extras(
                List.of(),
                ContinuationRequest.NONE,
                Judgement.of(Judgement.MARGIN, Judgement.BROKEN).withoutNoise(),
                null,
                null,
                Keeping.NONE);
    }

    /**
     * What a command works on. Opened before anything is written: a word that means no model or text leaves no folder.
     *
     * @param calibration text for importances, or null
     */
    record Inputs(Checkpoint checkpoint, Corpus text, Corpus calibration) implements AutoCloseable {
        static Inputs open(MeasureOptions options) throws IOException {
            Checkpoint checkpoint = options.open();
            try {
                Corpora corpora = options.corpora();
                return new Inputs(checkpoint, corpora.read(options.text), options.calibration.read(corpora));
            } catch (IOException | RuntimeException e) {
                checkpoint.close();
                throw e;
            }
        }

        @Override
        public void close() {
            checkpoint.close();
        }
    }

    private Measurement() {}

    /** @param spec of the running command, for the command line in the report */
    static SweepResult run(
            Inputs inputs,
            MeasureOptions options,
            SweepRows rows,
            CliffRule rule,
            Extras extras,
            CommandSpec spec,
            Commands.Streams streams)
            throws IOException {
        try (var backend = options.backend(streams.err());
                ProgressLine progress = new ProgressLine(streams.err(), Terminal.stderr(), Terminal.unicode())) {
            SweepResult result = new SweepRunner(backend, rule, Version.text())
                    .run(
                            inputs.checkpoint(),
                            request(inputs, options, rows, extras, spec),
                            options.quiet ? Progress.NONE : progress);
            sayDeviceMemory(backend, options.quiet, streams);
            return result;
        }
    }

    /** What a command has taken of a device. */
    static void sayDeviceMemory(Backend backend, boolean quiet, Commands.Streams streams) {
        if (backend instanceof CudaBackend gpu) {
            streams.deviceMemory().accept(gpu.peakMemory());
            if (!quiet) {
                streams.err().println("Device memory: at most " + (gpu.peakMemory() + (1 << 20) - 1 >> 20) + " MiB");
            }
        }
    }

    static SweepRequest request(Inputs inputs, MeasureOptions options, SweepRows rows, Extras extras, CommandSpec spec)
            throws IOException {
        return new SweepRequest(
                rows,
                inputs.text(),
                options.maxTokens(),
                options.protocols(),
                inputs.calibration(),
                options.calibration.size(),
                options.calibration.imatrix(),
                extras.hessians,
                options.memory(),
                spillFolder(),
                extras.tasks,
                extras.continuations,
                extras.judgement,
                extras.scoresFolder,
                extras.keeping,
                commandLine(spec));
    }

    /** For hidden states that --memory has no room for. */
    static Path spillFolder() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    static String commandLine(CommandSpec spec) {
        return "bitscarp "
                + spec.commandLine().getParent().getParseResult().originalArgs().stream()
                        .map(Measurement::quoted)
                        .collect(Collectors.joining(" "));
    }

    private static String quoted(String word) {
        return word.matches("[\\w./:,=@%+-]+") ? word : "'" + word.replace("'", "'\\''") + "'";
    }
}
