package org.bitscarp.eval.engine;

import java.io.IOException;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.TensorRole;

/**
 * Mean squared activation of each input channel of one layer's linear maps, and their second moments, gathered from the full-precision model on
 * calibration windows. Maps that read the same input share a mean; each expert has its own, over the tokens that were sent
 * to it. What inputs lack of others, see {@link CrossSums}, is gathered on the way. Sums are kept per unit and added in the order of units, so that they do not depend on the lanes.
 */
final class Calibration implements AutoCloseable {
    private final String what;
    private final Backend backend;
    private final HessianSums hessians;
    private final CrossSums cross;
    /** Units that came before one of their predecessors: about as many as there are lanes. */
    private final TreeMap<Integer, UnitSums> waiting = new TreeMap<>();

    private final UnitSums total = new UnitSums();
    private int next;

    /**
     * @param what is calibrated, for messages
     * @param withHessians whether second moments are wanted too
     */
    Calibration(String what, Backend backend, boolean withHessians) {
        this(what, backend, withHessians, null);
    }

    /** @param fullPrecision inputs that those which are gathered are compared with; null for none */
    Calibration(String what, Backend backend, boolean withHessians, FullPrecisionInputs fullPrecision) {
        this.what = what;
        this.backend = backend;
        hessians = withHessians ? new HessianSums(backend) : null;
        cross = fullPrecision == null ? null : new CrossSums(backend, fullPrecision);
    }

    /** Whether second moments are gathered too. */
    boolean withHessians() {
        return hessians != null;
    }

    private static final class Sum {
        private final double[] squares;
        private long rows;

        Sum(int columns) {
            squares = new double[columns];
        }

        void add(Sum other) {
            for (int i = 0; i < squares.length; i++) {
                squares[i] += other.squares[i];
            }
            rows += other.rows;
        }

        float[] mean() {
            float[] mean = new float[squares.length];
            for (int i = 0; i < mean.length; i++) {
                mean[i] = (float) (squares[i] / rows);
            }
            return mean;
        }
    }

    private static final class UnitSums {
        private final Map<TensorRole, Map<Integer, Sum>> sums = new EnumMap<>(TensorRole.class);

        Sum of(TensorRole role, int expert, int columns) {
            return sums.computeIfAbsent(role, r -> new TreeMap<>()).computeIfAbsent(expert, e -> new Sum(columns));
        }

        void add(UnitSums other) {
            other.sums.forEach((role, experts) -> experts.forEach(
                    (expert, sum) -> of(role, expert, sum.squares.length).add(sum)));
        }
    }

    private final class UnitTap implements DecoderLayer.Tap {
        private final int unit;
        private final UnitSums seen;
        private int[] routed;

        UnitTap(int unit, UnitSums seen) {
            this.unit = unit;
            this.seen = seen;
        }

        @Override
        public void route(int expert, int[] rows) {
            routed = rows;
        }

        @Override
        public void see(TensorRole role, int expert, Tensor input) {
            Sum sum = seen.of(role, expert, input.columns());
            backend.addColumnSquares(input, sum.squares);
            sum.rows += input.rows();
            if (hessians != null) {
                hessians.add(unit, role, expert, input);
            }
            if (cross != null) {
                cross.add(unit, role, expert, routed, input);
            }
        }
    }

    /** A pass over one unit, on one thread. */
    @FunctionalInterface
    interface Pass {
        void run(DecoderLayer.Tap tap) throws IOException;
    }

    /** Runs a pass and counts what its tap sees. Units are numbered from 0 on; each is run once, in any order. */
    void unit(int unit, Pass pass) throws IOException {
        UnitSums seen = new UnitSums();
        try {
            pass.run(new UnitTap(unit, seen));
        } finally {
            if (hessians != null) {
                hessians.finish(unit);
            }
            if (cross != null) {
                cross.finish(unit);
            }
        }
        synchronized (this) {
            waiting.put(unit, seen);
            for (UnitSums ready = waiting.remove(next); ready != null; ready = waiting.remove(++next)) {
                total.add(ready);
            }
        }
    }

    /** The means over all units. Hessians among them live until this is closed. */
    synchronized Importance importance() throws IOException {
        Map<TensorRole, float[]> overall = new EnumMap<>(TensorRole.class);
        Map<TensorRole, Map<Integer, float[]>> ofExperts = new EnumMap<>(TensorRole.class);
        Map<TensorRole, Map<Integer, Long>> rows = new EnumMap<>(TensorRole.class);
        for (TensorRole role : total.sums.keySet()) {
            Map<Integer, Sum> experts = total.sums.get(role);
            Sum all = new Sum(experts.values().iterator().next().squares.length);
            Map<Integer, float[]> means = new HashMap<>();
            Map<Integer, Long> counts = new HashMap<>();
            for (int expert : experts.keySet()) {
                all.add(experts.get(expert));
                means.put(expert, experts.get(expert).mean());
                counts.put(expert, experts.get(expert).rows);
            }
            overall.put(role, checked(role, all.mean()));
            ofExperts.put(role, means);
            rows.put(role, counts);
        }
        return new Importance(
                overall,
                ofExperts,
                hessians == null ? Map.of() : hessians.means(),
                rows,
                cross == null ? Map.of() : cross.means());
    }

    private float[] checked(TensorRole role, float[] mean) throws IOException {
        for (float value : mean) {
            if (!Float.isFinite(value)) {
                throw new IOException("calibration of " + what + ": the input of " + role
                        + " has activations that are NaN or infinite; the model overflows on this text");
            }
        }
        return mean;
    }

    @Override
    public void close() {
        if (hessians != null) {
            hessians.close();
        }
        if (cross != null) {
            cross.close();
        }
    }
}
