package org.bitscarp.eval;

import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.eval.budget.Budget;
import org.bitscarp.eval.quantize.QuantizeTarget;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.LevelException;

/**
 * What a sweep compares.
 *
 * @param targets levels and mixes, the reference first
 * @param budgets behind them, each with the formats that are best for it
 */
public record SweepRows(List<QuantizeTarget> targets, List<Budget> budgets) {
    /** Levels and mixes only. */
    public SweepRows(List<QuantizeTarget> targets) {
        this(targets, List.of());
    }

    /** Levels and mixes separated by commas; the levels of a sweep that names none for null. */
    public static List<QuantizeTarget> targets(String commaSeparated) {
        return commaSeparated == null
                ? Level.defaults().stream()
                        .map(level -> new QuantizeTarget(level, null))
                        .toList()
                : Level.parseList(commaSeparated, QuantizeTarget::parse);
    }

    /**
     * These rows with another reference.
     *
     * @throws LevelException when none of them is it
     */
    public SweepRows withReference(String text) {
        QuantizeTarget first = QuantizeTarget.parse(text);
        if (!targets.contains(first)) {
            throw new LevelException("--reference " + text + " is none of the levels " + targets);
        }
        return new SweepRows(
                Stream.concat(Stream.of(first), targets.stream().filter(target -> !target.equals(first)))
                        .toList(),
                budgets);
    }

    /** Names of the rows, the reference's first. */
    public List<String> names() {
        return Stream.concat(targets.stream(), budgets.stream())
                .map(Object::toString)
                .toList();
    }

    /** Whether calibration text makes a difference to a row. */
    boolean calibrated() {
        return !budgets.isEmpty()
                || targets.stream().anyMatch(target -> target.level().calibrated());
    }
}
