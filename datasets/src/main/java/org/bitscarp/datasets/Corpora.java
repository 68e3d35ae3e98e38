package org.bitscarp.datasets;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.bitscarp.datasets.internal.Rows;

/**
 * Finds a text by the name that a user types: {@code builtin}, {@code builtin-calibration}, a data set ({@code wikitext2},
 * {@code c4}, …) whose file lies in one of the data folders or else on the hub, the path of a file, or a file on the hub.
 * Files are UTF-8 text or rows with a text column, which a {@link JoinRule} makes one text; the name then says so.
 */
public final class Corpora {
    /** Environment variable with further data folders, separated like {@code PATH}. */
    public static final String FOLDERS_VARIABLE = "BITSCARP_DATASETS";
    /** Default evaluation text. */
    public static final String EVALUATION = "builtin";
    /** Default calibration text; shares no sentence with {@link #EVALUATION}. */
    public static final String CALIBRATION = "builtin-calibration";

    /** Above this a file is more likely a mistake than a text to hold in memory. */
    private static final long MAX_BYTES = 1L << 30;

    /** File names under which each data set is commonly stored, in order of preference. */
    private static final Map<String, List<String>> DATA_SETS = new LinkedHashMap<>();

    static {
        DATA_SETS.put(
                "wikitext2",
                List.of("wiki.test.raw", "wikitext-2-raw/wiki.test.raw", "wikitext-2-raw-v1/wiki.test.raw"));
        DATA_SETS.put("wikitext2-raw", DATA_SETS.get("wikitext2"));
        DATA_SETS.put("wikitext2-train", List.of("wiki.train.raw", "wikitext-2-raw/wiki.train.raw"));
        DATA_SETS.put("c4", List.of("c4.txt", "c4-validation.txt", "c4.utf8", "calibration/c4.utf8"));
        DATA_SETS.put("ptb", List.of("ptb.test.txt", "ptb/ptb.test.txt"));
    }

    /**
     * A data set's file on the hub, and how its rows become the text that papers measure on.
     *
     * @param reference of the file
     * @param rule of the papers
     */
    private record OnHub(String reference, JoinRule rule) {}

    private static final String WIKITEXT2 = "hf:datasets/Salesforce/wikitext/wikitext-2-raw-v1/";
    private static final Map<String, OnHub> ON_HUB = Map.of(
            "wikitext2",
            new OnHub(WIKITEXT2 + "test-00000-of-00001.parquet", JoinRule.PARAGRAPHS),
            "wikitext2-raw",
            new OnHub(WIKITEXT2 + "test-00000-of-00001.parquet", JoinRule.LINES),
            "wikitext2-train",
            new OnHub(WIKITEXT2 + "train-00000-of-00001.parquet", JoinRule.PARAGRAPHS),
            "c4",
            new OnHub("hf:datasets/allenai/c4/en/c4-validation.00000-of-00008.json.gz", JoinRule.C4),
            // Published as a script; the hub's own conversion to Parquet has the rows.
            "ptb",
            new OnHub(
                    "hf:datasets/ptb-text-only/ptb_text_only@refs/convert/parquet/penn_treebank/test/0000.parquet",
                    JoinRule.SENTENCES));

    private final Path builtin;
    private final List<Path> folders;
    private final HubFiles hub;

    /** Without a hub. */
    public Corpora(Path builtin, List<Path> folders) {
        this(builtin, folders, HubFiles.NONE);
    }

    /**
     * @param builtin folder of the texts that come with Bitscarp
     * @param folders where files of data sets are looked for, in this order
     * @param hub asked for data sets that are in none of the folders, and for references
     */
    public Corpora(Path builtin, List<Path> folders, HubFiles hub) {
        this.builtin = builtin;
        this.folders = List.copyOf(folders);
        this.hub = hub;
    }

    /**
     * The folders of {@link #FOLDERS_VARIABLE}, then the current folder and its {@code datasets}.
     *
     * @param variable value of the variable, or null
     */
    public static List<Path> defaultFolders(String variable) {
        List<Path> folders = new ArrayList<>();
        if (variable != null && !variable.isBlank()) {
            for (String folder : variable.split(File.pathSeparator)) {
                folders.add(Path.of(folder));
            }
        }
        folders.add(Path.of("."));
        folders.add(Path.of("datasets"));
        return folders;
    }

    /**
     * Reads a text.
     *
     * @throws TextException when nothing of that name is found, or what is found is no UTF-8 text
     */
    public Corpus read(String name) throws IOException {
        if (name.equals(EVALUATION)) {
            return read(name, builtin.resolve("evaluation.txt"));
        }
        if (name.equals(CALIBRATION)) {
            return read(name, builtin.resolve("calibration.txt"));
        }
        List<String> files = DATA_SETS.get(name);
        if (files != null) {
            for (Path folder : folders) {
                for (String file : files) {
                    if (Files.isRegularFile(folder.resolve(file))) {
                        return read(name, folder.resolve(file));
                    }
                }
            }
            return fromHub(name, files);
        }
        if (name.startsWith(HubFiles.PREFIX)) {
            Path path = hub.file(name);
            return Rows.in(path) ? joined(name, path, JoinRule.PARAGRAPHS) : read(name, path);
        }
        Path path = Path.of(name);
        if (Files.isDirectory(path)) {
            throw new TextException(name + " is a folder; name a text file in it");
        }
        if (!Files.exists(path)) {
            throw new TextException("no text " + name + ": it is neither a file nor one of " + names());
        }
        String shown = path.getFileName().toString();
        return Rows.in(path) ? joined(shown, path, JoinRule.PARAGRAPHS) : read(shown, path);
    }

    private Corpus fromHub(String name, List<String> files) throws IOException {
        String looked = "data set " + name + ": none of " + String.join(", ", files) + " found in "
                + folders.stream().map(Path::toString).collect(Collectors.joining(", "));
        OnHub there = ON_HUB.get(name);
        if (hub == HubFiles.NONE) {
            throw new TextException(looked + "; put the file there or set " + FOLDERS_VARIABLE);
        }
        Path path;
        try {
            path = hub.file(there.reference());
        } catch (IOException e) {
            throw new TextException(looked + ", and it could not be fetched: " + e.getMessage(), e);
        }
        return joined(name, path, there.rule());
    }

    /** Rows as one text. The rule is part of the name, so that a report says which one was used. */
    private static Corpus joined(String name, Path file, JoinRule rule) throws IOException {
        String text;
        try {
            text = rule.join(Rows.read(file, rule.maxRows(), MAX_BYTES));
        } catch (TextException e) {
            throw e;
        } catch (IOException e) {
            throw new TextException("cannot read the text " + file + ": " + e.getMessage(), e);
        }
        if (text.isBlank()) {
            throw new TextException(file + " holds no text; there is nothing to measure");
        }
        return new Corpus(name + " (" + rule.description() + ")", text);
    }

    /** The names that need no path. */
    public static String names() {
        return EVALUATION + ", " + CALIBRATION + ", " + String.join(", ", DATA_SETS.keySet());
    }

    private static Corpus read(String name, Path file) throws IOException {
        long size;
        byte[] bytes;
        try {
            size = Files.size(file);
            if (size > MAX_BYTES) {
                throw new TextException(
                        file + " has " + size + " bytes; texts of up to " + MAX_BYTES + " bytes can be read");
            }
            bytes = Files.readAllBytes(file);
        } catch (TextException e) {
            throw e;
        } catch (IOException e) {
            throw new TextException("cannot read the text " + file + ": " + e.getMessage(), e);
        }
        if (size == 0) {
            throw new TextException(file + " is empty; there is nothing to measure");
        }
        try {
            return new Corpus(
                    name,
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .onMalformedInput(CodingErrorAction.REPORT)
                            .onUnmappableCharacter(CodingErrorAction.REPORT)
                            .decode(ByteBuffer.wrap(bytes))
                            .toString());
        } catch (CharacterCodingException e) {
            throw new TextException(file + " is not UTF-8 text; convert it first, e.g. with iconv", e);
        }
    }
}
