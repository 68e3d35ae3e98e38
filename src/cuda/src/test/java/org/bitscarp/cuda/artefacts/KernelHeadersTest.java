package org.bitscarp.cuda.artefacts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a kernel's source says of it: its floor in the header comment, or where that is, and a shape for every pointer. */
class KernelHeadersTest {
    private static final Path SOURCES = KernelSources.ROOT.resolve("cu");
    private static final Pattern INCLUDE = Pattern.compile("^#include \"(.*)\"", Pattern.MULTILINE);
    private static final Pattern HEADER = Pattern.compile("[a-z_]+\\.cuh");
    private static final Pattern ENTRY =
            Pattern.compile("extern \"C\" __global__ [^{;]*?(\\w+)\\(([^(){}]*)\\)\\s*\\{");
    private static final Pattern POINTER = Pattern.compile("\\*\\s*(?:__restrict__\\s+)?(\\w+)\\s*$");

    @Test
    void everySourceHasItsFloor() throws IOException {
        List<String> without = new ArrayList<>();
        for (Path source : KernelSources.files(SOURCES, ".cu")) {
            String head = head(Files.readString(source));
            Matcher named = HEADER.matcher(head);
            boolean elsewhere = named.find()
                    && head(Files.readString(SOURCES.resolve(named.group()))).contains("Floor");
            if (!head.contains("Floor") && !elsewhere) {
                without.add(source.getFileName().toString());
            }
        }
        assertEquals(List.of(), without, "no floor (bytes, operations) in the header comment");
    }

    @Test
    void everyPointerHasItsShape() throws IOException {
        List<String> without = new ArrayList<>();
        int entries = 0;
        for (Path source : KernelSources.files(SOURCES, ".cu")) {
            String text = withHeaders(source.getFileName().toString(), new HashSet<>());
            String comments = text.lines()
                    .filter(line -> line.contains("//"))
                    .map(line -> line.substring(line.indexOf("//") + 2))
                    .collect(Collectors.joining(" "));
            Matcher entry = ENTRY.matcher(text.replace("\\\n", " "));
            while (entry.find()) {
                entries++;
                for (String parameter : entry.group(2).split(",")) {
                    Matcher pointer = POINTER.matcher(parameter.strip());
                    // "x: [rows, columns]", or "x, y: [n]".
                    if (pointer.find()
                            && !Pattern.compile("\\b" + pointer.group(1) + "\\b[^:;.]*: ")
                                    .matcher(comments)
                                    .find()) {
                        without.add(source.getFileName() + ", " + entry.group(1) + ": " + pointer.group(1));
                    }
                }
            }
        }
        assertTrue(entries > 50, entries + " entries were recognised");
        assertEquals(List.of(), without, "pointers without a shape");
    }

    /** The comment that a file begins with. */
    private static String head(String text) {
        return text.lines().takeWhile(line -> line.startsWith("//")).collect(Collectors.joining(" "));
    }

    private static String withHeaders(String file, Set<String> seen) throws IOException {
        if (!seen.add(file)) {
            return "";
        }
        String text = Files.readString(SOURCES.resolve(file));
        StringBuilder all = new StringBuilder(text);
        Matcher include = INCLUDE.matcher(text);
        while (include.find()) {
            all.append('\n').append(withHeaders(include.group(1), seen));
        }
        return all.toString();
    }
}
