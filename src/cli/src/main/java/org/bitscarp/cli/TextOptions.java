package org.bitscarp.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpora;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.hub.FileChoice;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of every command that measures on a text, whatever it measures. */
class TextOptions {
    private final Commands.Streams streams;

    @Option(
            names = "--text",
            defaultValue = Corpora.EVALUATION,
            paramLabel = "TEXT",
            description = "UTF-8 file, file of rows (.parquet, .jsonl, .json.gz), hf:datasets/owner/name/file, or data"
                    + " set name (builtin, wikitext2, c4, ...); default: ${DEFAULT-VALUE}. Files of data sets are"
                    + " looked for in the folders of BITSCARP_DATASETS, in . and in ./datasets, then on the hub.")
    String text;

    @Option(
            names = "--protocol",
            split = ",",
            paramLabel = "NAME",
            description =
                    "gptq (windows side by side, all tokens but the first of each), llama.cpp (second half of each"
                            + " window), sliding (overlapping windows); several with commas, the first is the main one;"
                            + " default: gptq,llama.cpp.")
    List<String> protocols = List.of("gptq", "llama.cpp");

    @Option(
            names = "--context",
            defaultValue = "512",
            paramLabel = "N",
            description = "Tokens in a window; default: ${DEFAULT-VALUE}.")
    int context;

    @Option(
            names = "--stride",
            defaultValue = "0",
            paramLabel = "N",
            description = "Tokens between windows of the sliding protocol; default: half the context.")
    int stride;

    @Option(names = "--max-tokens", paramLabel = "N", description = "Measure on the first N tokens of the text only.")
    int maxTokens = Integer.MAX_VALUE;

    @Mixin
    ComputeOptions compute;

    @Option(names = "--json", description = "Print one JSON object on stdout.")
    boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "No progress.")
    boolean quiet;

    TextOptions(Commands.Streams streams) {
        this.streams = streams;
    }

    /** Opens what a word means; see {@link ModelArgument}. */
    Checkpoint open(String model) throws IOException {
        return Checkpoints.open(ModelArgument.resolve(model, streams, quiet));
    }

    Corpora corpora() {
        return corpora(streams, quiet);
    }

    /** Texts by name: built in, in folders, on the hub. */
    static Corpora corpora(Commands.Streams streams, boolean quiet) {
        return new Corpora(
                Home.texts(),
                Corpora.defaultFolders(streams.environment().get(Corpora.FOLDERS_VARIABLE)),
                reference -> HubAccess.fetch(reference, FileChoice.NEEDED, streams, quiet)
                        .path());
    }

    List<Protocol> protocols() {
        try {
            List<Protocol> list = new ArrayList<>();
            for (String name : protocols) {
                Protocol protocol = Protocol.of(Protocol.Kind.parse(name), context, stride);
                if (!list.contains(protocol)) {
                    list.add(protocol);
                }
            }
            return list;
        } catch (IllegalArgumentException e) {
            throw new UsageException(e.getMessage());
        }
    }

    Backend backend(PrintStream err) {
        return compute.backend(err, quiet);
    }

    int maxTokens() {
        return positive("--max-tokens", maxTokens);
    }

    static int positive(String option, int value) {
        if (value < 1) {
            throw new UsageException(option + " " + value + ": expected at least 1");
        }
        return value;
    }

    long memory() {
        return compute.memory();
    }
}
