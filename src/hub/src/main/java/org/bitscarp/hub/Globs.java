package org.bitscarp.hub;

import java.util.List;
import java.util.regex.Pattern;

/** File name patterns as Hugging Face's tools take them: {@code *} and {@code ?} also match a slash (fnmatch). */
final class Globs {
    private final List<Pattern> patterns;

    Globs(List<String> globs) {
        this.patterns = globs.stream().map(Globs::compile).toList();
    }

    boolean isEmpty() {
        return patterns.isEmpty();
    }

    boolean match(String name) {
        return patterns.stream().anyMatch(p -> p.matcher(name).matches());
    }

    private static Pattern compile(String glob) {
        StringBuilder regex = new StringBuilder();
        // A folder means all that is in it.
        String full = glob.endsWith("/") ? glob + "*" : glob;
        for (int i = 0; i < full.length(); i++) {
            char c = full.charAt(i);
            switch (c) {
                case '*' -> regex.append(".*");
                case '?' -> regex.append('.');
                case '[' -> {
                    int end = full.indexOf(']', Math.min(full.length(), i + 2));
                    if (end < 0) {
                        regex.append("\\[");
                    } else {
                        String set =
                                full.substring(i + 1, end).replace("\\", "\\\\").replace("[", "\\[");
                        regex.append('[')
                                .append(set.startsWith("!") ? "^" + set.substring(1) : set.replace("^", "\\^"))
                                .append(']');
                        i = end;
                    }
                }
                default -> regex.append(Pattern.quote(String.valueOf(c)));
            }
        }
        return Pattern.compile(regex.toString(), Pattern.DOTALL);
    }
}
