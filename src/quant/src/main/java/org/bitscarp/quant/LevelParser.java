package org.bitscarp.quant;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** Reads level strings: {@code format[:modifier]…[:transform]…[:solver]}, any case, words after the first in any order. */
final class LevelParser {
    private static final List<FormatFamily> FAMILIES = List.of(
            new FloatFormat.Family(),
            new GroupedInt.Family(),
            new NormalFloat4.Family(),
            new Ternary.Family(),
            new GgmlFamily());

    private LevelParser() {}

    static Level parse(String text) {
        List<String> words = List.of(text.strip().toLowerCase(Locale.ROOT).split(":", -1));
        String head = words.get(0);
        if (words.contains("")) {
            throw new LevelException(
                    "\"" + text + "\": an empty word; write a level like int4:g64:asym, words joined by single colons");
        }
        Modifiers modifiers = new Modifiers(text, words.subList(1, words.size()));
        for (FormatFamily family : FAMILIES) {
            BlockFormat format = family.read(head, modifiers);
            if (format != null) {
                Solver solver = solver(text, format, modifiers);
                if (!format.fitted() && modifiers.has(Transform.CHANNEL_SCALES)) {
                    throw new LevelException(
                            "\"" + text + "\": " + format.name() + " keeps channels of any scale alike," + " so \""
                                    + Transform.CHANNEL_SCALES + "\" has nothing to choose; leave it out");
                }
                Transform transform = Transform.read(modifiers);
                modifiers.finish(head);
                return new Level(format, solver, transform);
            }
        }
        List<String> known =
                FAMILIES.stream().flatMap(family -> family.words().stream()).toList();
        throw new LevelException("\"" + text + "\": unknown format \"" + head + "\"" + Suggestion.of(head, known)
                + "; known formats: " + String.join(", ", known));
    }

    private static Solver solver(String text, BlockFormat format, Modifiers modifiers) {
        List<Solver> fitting =
                Solvers.ALL.stream().filter(solver -> solver.supports(format)).toList();
        for (Solver solver : Solvers.ALL) {
            if (!fitting.contains(solver) && modifiers.has(solver.name())) {
                throw new LevelException("\"" + text + "\": " + format.name() + " has no parameters that \""
                        + solver.name() + "\" could choose; write " + format.name());
            }
        }
        String name = modifiers.choice(fitting.stream().map(Solver::name).toArray(String[]::new));
        return fitting.stream()
                .filter(solver -> solver.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    static <T> List<T> parseList(String commaSeparated, Function<String, T> one) {
        List<T> levels = new ArrayList<>();
        for (String text : commaSeparated.split(",", -1)) {
            if (text.isBlank()) {
                throw new LevelException(
                        "\"" + commaSeparated + "\": an empty level; write levels like fp16,int4,int3:g64:search");
            }
            T level = one.apply(text.strip());
            if (levels.contains(level)) {
                throw new LevelException("\"" + commaSeparated + "\": " + level + " stands there twice; write it once");
            }
            levels.add(level);
        }
        return List.copyOf(levels);
    }
}
