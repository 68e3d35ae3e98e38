package org.bitscarp.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Chooses the files of a repository that are wanted, and says what there is to choose from where that is unclear. */
final class NeededFiles {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    /** An index of a model with 500,000 tensors stays below this. */
    private static final long MAX_INDEX = 100_000_000;

    /** Configuration and tokenizer: small files that a model's readers look for, beside {@code chat_template*}. */
    private static final Set<String> SMALL = Set.of(
            "config.json",
            "generation_config.json",
            "tokenizer.model",
            "special_tokens_map.json",
            "vocab.json",
            "merges.txt",
            "added_tokens.json",
            "quantize_config.json",
            "quantization_config.json",
            "quant_config.json",
            "hf_quant_config.json");

    /** Weights in containers that are not read; naming them explains why there is nothing to fetch. */
    private static final List<String> FOREIGN =
            List.of(".bin", ".pth", ".pt", ".ckpt", ".onnx", ".msgpack", ".h5", ".tflite");

    private static final List<String> TEXTS =
            List.of(".parquet", ".json.gz", ".jsonl.gz", ".jsonl", ".json", ".txt", ".raw");
    private static final int SHOWN = 12;

    /** Gives the content of a small file that the choice depends on. */
    interface Source {
        Path get(RepositoryFile file) throws IOException;
    }

    private final HubReference reference;
    private final Listing listing;
    private final Source source;

    NeededFiles(HubReference reference, Listing listing, Source source) {
        this.reference = reference;
        this.listing = listing;
        this.source = source;
    }

    /** In the order of fetching: small files first, so that weights are complete last of all. */
    List<RepositoryFile> choose(FileChoice choice) throws IOException {
        Globs include = new Globs(choice.include());
        Globs exclude = new Globs(choice.exclude());
        String folder = reference.path().isEmpty() ? "" : reference.path() + "/";
        List<RepositoryFile> files;
        if (listing.find(reference.path()).isPresent()) {
            files = withCompanions(listing.find(reference.path()).get());
        } else if (!folder.isEmpty() && in(folder).isEmpty()) {
            throw notFound("has no file or folder " + reference.path() + among(listing.files()));
        } else if (!include.isEmpty()) {
            files = in(folder).stream().filter(f -> include.match(f.name())).toList();
        } else if (reference.kind() == HubReference.Kind.DATASET) {
            throw notFound("is a data set: name one of its files behind it" + among(ending(in(folder), TEXTS)));
        } else {
            files = model(folder);
        }
        List<RepositoryFile> wanted = files.stream()
                .filter(f -> !exclude.match(f.name()))
                .sorted((a, b) -> Long.compare(a.size(), b.size()))
                .toList();
        if (wanted.isEmpty()) {
            throw notFound("has no file that is wanted (include " + choice.include() + ", exclude " + choice.exclude()
                    + ")" + among(listing.files()));
        }
        return wanted;
    }

    private List<RepositoryFile> in(String folder) {
        return listing.files().stream().filter(f -> f.name().startsWith(folder)).toList();
    }

    /** Files of a folder itself, without those of its subfolders. */
    private List<RepositoryFile> directlyIn(String folder) {
        return in(folder).stream()
                .filter(f -> f.name().indexOf('/', folder.length()) < 0)
                .toList();
    }

    private List<RepositoryFile> model(String folder) throws IOException {
        List<RepositoryFile> here = directlyIn(folder);
        List<RepositoryFile> chosen = new ArrayList<>(filter(here, f -> small(f.baseName())));
        List<RepositoryFile> single = filter(here, f -> f.baseName().equals(SINGLE));
        List<RepositoryFile> index = filter(here, f -> f.baseName().equals(INDEX));
        if (!single.isEmpty()) {
            chosen.addAll(single);
        } else if (!index.isEmpty()) {
            chosen.add(index.getFirst());
            chosen.addAll(shards(folder, index.getFirst()));
        } else {
            chosen.addAll(otherWeights(here));
        }
        return chosen;
    }

    private static boolean small(String name) {
        return SMALL.contains(name)
                || name.startsWith("chat_template")
                || name.startsWith("tokenizer") && name.endsWith(".json");
    }

    private List<RepositoryFile> shards(String folder, RepositoryFile index) throws IOException {
        Path file = source.get(index);
        if (Files.size(file) > MAX_INDEX) {
            throw new HubException(HubException.Reason.FAILED, file + " has more than " + MAX_INDEX + " bytes");
        }
        Set<String> names = new TreeSet<>();
        try {
            JsonNode map =
                    JsonMapper.shared().readTree(Files.readAllBytes(file)).path("weight_map");
            map.forEach(shard -> names.add(folder + shard.asString("")));
        } catch (JacksonException e) {
            throw new HubException(HubException.Reason.FAILED, file + " is no JSON: " + e.getOriginalMessage(), e);
        }
        List<RepositoryFile> shards = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (String name : names) {
            listing.find(name).ifPresentOrElse(shards::add, () -> missing.add(name));
        }
        if (!missing.isEmpty() || names.isEmpty()) {
            throw notFound("lacks weights that " + INDEX + " names: "
                    + (names.isEmpty() ? "it names none" : shorten(missing.stream())));
        }
        return shards;
    }

    /** Neither of the usual names: other safetensors are taken if they are one model, GGUF files are for the user to choose. */
    private List<RepositoryFile> otherWeights(List<RepositoryFile> here) throws HubException {
        List<RepositoryFile> safetensors = ending(here, List.of(".safetensors"));
        List<RepositoryFile> own = filter(
                safetensors,
                f -> !f.baseName().startsWith("consolidated")
                        && !f.baseName().startsWith("adapter")
                        && !f.baseName().startsWith("training"));
        if (!own.isEmpty()) {
            return own;
        }
        List<RepositoryFile> gguf = ending(listing.files(), List.of(".gguf"));
        if (!gguf.isEmpty()) {
            throw notFound("holds GGUF files: name one behind it, e.g. "
                    + new HubReference(
                            reference.kind(),
                            reference.repository(),
                            reference.revision(),
                            gguf.getFirst().name())
                    + among(gguf));
        }
        List<RepositoryFile> foreign = ending(listing.files(), FOREIGN);
        throw notFound("has no weights that are read (safetensors or GGUF)"
                + (safetensors.isEmpty()
                        ? ""
                        : ", only " + shorten(safetensors.stream().map(RepositoryFile::name)))
                + (foreign.isEmpty()
                        ? among(listing.files())
                        : "; " + shorten(foreign.stream().map(RepositoryFile::name))
                                + " would have to be converted, often a revision refs/pr/N has it"));
    }

    /** A llama2.c file is read with the tokenizer beside it. */
    private List<RepositoryFile> withCompanions(RepositoryFile file) {
        List<RepositoryFile> files = new ArrayList<>(List.of(file));
        if (file.name().endsWith(".bin")) {
            String folder = file.name()
                    .substring(0, file.name().length() - file.baseName().length());
            files.addAll(filter(
                    directlyIn(folder), f -> f.baseName().matches("tok(enizer|[0-9]+)\\.bin") && !f.equals(file)));
        }
        return files;
    }

    private static List<RepositoryFile> filter(List<RepositoryFile> files, Predicate<RepositoryFile> wanted) {
        return files.stream().filter(wanted).toList();
    }

    private static List<RepositoryFile> ending(List<RepositoryFile> files, List<String> endings) {
        return filter(files, f -> endings.stream().anyMatch(f.name()::endsWith));
    }

    private static String among(List<RepositoryFile> files) {
        return files.isEmpty()
                ? ""
                : "; it has "
                        + shorten(files.stream()
                                .map(f -> f.name() + (f.size() < 0 ? "" : " (" + size(f.size()) + ")")));
    }

    private static String shorten(Stream<String> names) {
        List<String> all = names.toList();
        String shown = all.stream().limit(SHOWN).collect(Collectors.joining(", "));
        return all.size() > SHOWN ? shown + " and " + (all.size() - SHOWN) + " more" : shown;
    }

    /** Decimal units, as the hub shows them. */
    static String size(long bytes) {
        if (bytes < 1000) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = -1;
        do {
            value /= 1000;
            unit++;
        } while (value >= 999.5 && unit < 3);
        return String.format(Locale.ROOT, value < 9.95 ? "%.1f %sB" : "%.0f %sB", value, "kMGT".charAt(unit));
    }

    private HubException notFound(String message) {
        return new HubException(
                HubException.Reason.NOT_FOUND, reference.shortName() + " at " + reference.revision() + " " + message);
    }
}
