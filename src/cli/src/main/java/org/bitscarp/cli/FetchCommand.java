package org.bitscarp.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.bitscarp.hub.FileChoice;
import org.bitscarp.hub.HubReference;
import org.bitscarp.hub.RepositoryFile;
import org.bitscarp.hub.Snapshot;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code bitscarp fetch}: from the hub into the cache that Hugging Face's tools share. */
@Command(
        name = "fetch",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Fetches a model or a file from the hub into the local cache and prints its path.",
        footer = {
            "",
            "Of a model, only the files that are needed are fetched: configuration, tokenizer, safetensors.",
            "An interrupted fetch goes on where it stopped; every file is checked against its checksum.",
            "",
            "Environment: HF_HOME, HF_HUB_CACHE (where files are kept; default ~/.cache/huggingface/hub), HF_TOKEN (for",
            "private and gated repositories), HF_ENDPOINT (another hub), HF_HUB_OFFLINE=1 (no network).",
            "",
            "Examples:",
            "  bitscarp fetch hf:HuggingFaceTB/SmolLM2-135M",
            "  bitscarp fetch hf:HuggingFaceTB/SmolLM2-135M@main --json",
            "  bitscarp fetch hf:bartowski/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct-Q4_K_M.gguf",
            "  bitscarp fetch hf:bartowski/SmolLM2-135M-Instruct-GGUF --include '*Q8_0.gguf'",
            "  bitscarp fetch hf:datasets/Salesforce/wikitext/wikitext-2-raw-v1/test-00000-of-00001.parquet",
            "  bitscarp sweep \"$(bitscarp fetch hf:HuggingFaceTB/SmolLM2-135M)\""
        })
final class FetchCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Parameters(
            paramLabel = "REFERENCE",
            description = "hf:owner/name[@revision][/path] or hf:datasets/owner/name[@revision]/path; a revision is a"
                    + " branch, tag or commit.")
    private String reference;

    @Option(
            names = "--include",
            paramLabel = "GLOB",
            description = "Fetch files whose path matches, instead of those that are needed; may be given repeatedly."
                    + " * also matches a slash.")
    private List<String> include = List.of();

    @Option(
            names = "--exclude",
            paramLabel = "GLOB",
            description = "Leave out files whose path matches; may be given repeatedly.")
    private List<String> exclude = List.of();

    @Option(names = "--json", description = "Print one JSON object on stdout.")
    private boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "No progress.")
    private boolean quiet;

    FetchCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        if (!HubReference.matches(reference)) {
            throw new UsageException("\"" + reference + "\" does not begin with " + HubReference.PREFIX
                    + "; expected e.g. hf:owner/name");
        }
        Snapshot snapshot = HubAccess.fetch(reference, new FileChoice(include, exclude), streams, quiet);
        if (json) {
            streams.out().println(tree(snapshot).toPrettyString());
            return 0;
        }
        streams.out().println(snapshot.path());
        if (!quiet) {
            streams.err()
                    .println(String.format(
                            Locale.ROOT,
                            "%s at %s: %d %s, %,d bytes, %s",
                            snapshot.reference(),
                            snapshot.commit().substring(0, 8),
                            snapshot.files().size(),
                            snapshot.files().size() == 1 ? "file" : "files",
                            snapshot.files().stream()
                                    .mapToLong(f -> Math.max(0, f.size()))
                                    .sum(),
                            snapshot.downloaded() == 0
                                    ? "all in the cache"
                                    : String.format(Locale.ROOT, "%,d of them fetched now", snapshot.downloaded())));
        }
        return 0;
    }

    private static ObjectNode tree(Snapshot snapshot) {
        ObjectNode root = JsonMapper.shared().createObjectNode();
        root.put("reference", snapshot.reference().toString());
        root.put("repository", snapshot.reference().repository());
        root.put("kind", snapshot.reference().kind().name().toLowerCase(Locale.ROOT));
        root.put("revision", snapshot.reference().revision());
        root.put("commit", snapshot.commit());
        root.put("path", snapshot.path().toString());
        root.put("bytes_downloaded", snapshot.downloaded());
        ArrayNode files = root.putArray("files");
        for (RepositoryFile file : snapshot.files()) {
            ObjectNode node = files.addObject();
            node.put("name", file.name());
            node.put("bytes", file.size());
            node.put("etag", file.etag());
        }
        return root;
    }
}
