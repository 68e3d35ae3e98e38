package org.bitscarp.compute.check;

import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.ScalarBackend;

/**
 * Runs the same work on a backend and on {@link ScalarBackend} and compares what comes out. Tests of all backends and the
 * check of a user's device are this one list.
 */
public final class BackendCheck {
    /** Work on the operands of a scene, which it gives its results. */
    @FunctionalInterface
    interface Work {
        void run(Scene scene);
    }

    /**
     * One operation at one size.
     *
     * @param name what is computed
     * @param size of the operands, for reading
     * @param work what is run
     */
    public record Operation(String name, String size, Work work) {
        @Override
        public String toString() {
            return name + " " + size;
        }
    }

    /**
     * What came of an operation.
     *
     * @param share the greatest error as a part of its tolerance; NaN where something was not a number on one side only
     * @param fault empty where the operation does what it has to
     */
    public record Outcome(Operation operation, double share, String fault) {
        public boolean passed() {
            return fault.isEmpty();
        }
    }

    private BackendCheck() {}

    /** Every operation of a backend, at sizes around every vector and tile width. */
    public static List<Operation> operations() {
        return Operations.all();
    }

    /** Runs one operation on both; what the backend throws is the caller's. */
    public static Outcome run(Backend backend, Operation operation) {
        try (ScalarBackend specification = new ScalarBackend();
                Scene expected = new Scene(specification);
                Scene found = new Scene(backend)) {
            operation.work().run(expected);
            operation.work().run(found);
            double share = share(expected, found);
            // Written so that NaN fails.
            if (!(share <= 1)) {
                return new Outcome(operation, share, String.format("%.3g times the tolerance", share));
            }
            return new Outcome(operation, share, found.guardsStand() ? "" : "wrote outside its operands");
        }
    }

    private static double share(Scene expected, Scene found) {
        double share = 0;
        for (int r = 0; r < expected.results().size(); r++) {
            Scene.Result a = expected.results().get(r);
            double[] b = found.results().get(r).values();
            for (int i = 0; i < b.length; i++) {
                double x = a.values()[i];
                if (x == b[i] || Double.isNaN(x) && Double.isNaN(b[i])) {
                    continue;
                }
                double part = Math.abs(x - b[i]) / (a.absolute() + a.relative() * Math.abs(x));
                if (!(part <= share)) {
                    share = part;
                }
                if (Double.isNaN(share)) {
                    return share;
                }
            }
        }
        return share;
    }
}
