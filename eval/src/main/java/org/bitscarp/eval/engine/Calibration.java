package org.bitscarp.eval.engine;

import java.io.IOException;
import java.util.EnumMap;
import java.util.Map;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.TensorRole;

/**
 * Mean squared activation of each input channel of one layer's linear maps, gathered from the full-precision model on
 * calibration windows. Sums are kept per unit and added in order, so that they do not depend on the lanes.
 */
final class Calibration {
    private final Backend backend;
    private final WindowPlan plan;
    private final Map<TensorRole, double[][]> sums = new EnumMap<>(TensorRole.class);

    Calibration(Backend backend, WindowPlan plan) {
        this.backend = backend;
        this.plan = plan;
    }

    /** What {@link DecoderLayer} tells about a unit; {@code role} stands for all maps that read the same input. */
    DecoderLayer.Tap tap(int unit) {
        return (role, input) -> addUnit(role, unit, input);
    }

    private void addUnit(TensorRole role, int unit, Tensor input) {
        double[] ofUnit = new double[input.columns()];
        backend.addColumnSquares(input, ofUnit);
        synchronized (sums) {
            sums.computeIfAbsent(role, r -> new double[plan.units().size()][])[unit] = ofUnit;
        }
    }

    /** Mean square per input channel for each linear role of the layer just run; forgets it. */
    Map<TensorRole, float[]> take() throws IOException {
        Map<TensorRole, float[]> importance = new EnumMap<>(TensorRole.class);
        sums.forEach((role, units) -> {
            float[] mean = new float[units[0].length];
            for (int i = 0; i < mean.length; i++) {
                double sum = 0;
                for (double[] unit : units) {
                    sum += unit[i];
                }
                mean[i] = (float) (sum / plan.rows());
            }
            importance.put(role, mean);
        });
        sums.clear();
        for (var entry : importance.entrySet()) {
            for (float value : entry.getValue()) {
                if (!Float.isFinite(value)) {
                    throw new IOException("calibration: the input of " + entry.getKey()
                            + " has activations that are NaN or infinite; the model overflows on this text");
                }
            }
        }
        share(importance, TensorRole.QUERY, TensorRole.KEY, TensorRole.VALUE);
        share(importance, TensorRole.GATE, TensorRole.UP);
        return importance;
    }

    private static void share(Map<TensorRole, float[]> importance, TensorRole from, TensorRole... to) {
        for (TensorRole role : to) {
            if (importance.containsKey(from)) {
                importance.put(role, importance.get(from));
            }
        }
    }
}
