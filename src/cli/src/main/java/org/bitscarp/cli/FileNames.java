package org.bitscarp.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bitscarp.hub.HubReference;

/** Short names for files in one table. */
final class FileNames {
    private static final String GGUF = ".gguf";

    private FileNames() {}

    /**
     * For each of the words that a user gave for models: its last parts, no more of them than tell it from the others,
     * without {@code .gguf}; references to a hub as they are. What is given twice gets a number.
     */
    static List<String> of(List<String> words) {
        List<List<String>> parts = words.stream().map(FileNames::parts).toList();
        List<Integer> used = new ArrayList<>(Collections.nCopies(words.size(), 1));
        // Names that others share take one part more, as long as they have one.
        for (boolean changed = true; changed; ) {
            changed = false;
            List<String> names = names(parts, used);
            for (int i = 0; i < names.size(); i++) {
                if (Collections.frequency(names, names.get(i)) > 1
                        && used.get(i) < parts.get(i).size()) {
                    used.set(i, used.get(i) + 1);
                    changed = true;
                }
            }
        }
        return numbered(names(parts, used));
    }

    private static List<String> parts(String word) {
        if (HubReference.matches(word)) {
            return List.of(word);
        }
        List<String> parts = new ArrayList<>();
        for (Path part : Path.of(word).toAbsolutePath().normalize()) {
            parts.add(part.toString());
        }
        if (parts.isEmpty()) {
            return List.of(word);
        }
        String last = parts.removeLast();
        parts.add(last.endsWith(GGUF) ? last.substring(0, last.length() - GGUF.length()) : last);
        return parts;
    }

    private static List<String> names(List<List<String>> parts, List<Integer> used) {
        List<String> names = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            List<String> of = parts.get(i);
            names.add(String.join("/", of.subList(of.size() - used.get(i), of.size())));
        }
        return names;
    }

    private static List<String> numbered(List<String> names) {
        Set<String> seen = new HashSet<>();
        List<String> unique = new ArrayList<>();
        for (String name : names) {
            String free = name;
            for (int n = 2; !seen.add(free); n++) {
                free = name + "#" + n;
            }
            unique.add(free);
        }
        return unique;
    }
}
