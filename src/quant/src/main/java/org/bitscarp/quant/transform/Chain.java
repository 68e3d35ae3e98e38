package org.bitscarp.quant.transform;

import java.util.List;

/** One basis after the other: x' = …T₂·T₁·x. */
public record Chain(List<Basis> steps) implements Basis {
    public Chain {
        steps = List.copyOf(steps);
        for (Basis step : steps) {
            if (step.size() != steps.getFirst().size()) {
                throw new IllegalArgumentException("a basis of " + step.size() + " channels behind one of "
                        + steps.getFirst().size());
            }
        }
    }

    /** @param steps at least one */
    public static Basis of(Basis... steps) {
        return steps.length == 1 ? steps[0] : new Chain(List.of(steps));
    }

    @Override
    public int size() {
        return steps.getFirst().size();
    }

    @Override
    public void apply(float[] x) {
        steps.forEach(step -> step.apply(x));
    }

    @Override
    public void undo(float[] x) {
        steps.reversed().forEach(step -> step.undo(x));
    }

    @Override
    public void applyToRow(float[] w) {
        steps.forEach(step -> step.applyToRow(w));
    }

    @Override
    public void undoOnRow(float[] w) {
        steps.reversed().forEach(step -> step.undoOnRow(w));
    }
}
