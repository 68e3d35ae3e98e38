package org.bitscarp.eval.engine;

import java.io.IOException;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.eval.protocol.WindowPlan;

/** All windows of a level through one layer, and how far that takes its residual stream from the reference's. */
final class LayerForward {
    private final Backend backend;
    private final Lanes lanes;
    private final List<Workspace> spaces;

    /** @param spaces one for each lane of the backend */
    LayerForward(Backend backend, Lanes lanes, List<Workspace> spaces) {
        this.backend = backend;
        this.lanes = lanes;
        this.spaces = spaces;
    }

    /** @param level whose states are moved on; those of level 0, the reference, have been through this layer before */
    void run(
            DecoderLayer decoder,
            int layer,
            LayerWeights weights,
            WindowPlan plan,
            int level,
            LevelTally tally,
            HiddenStates states)
            throws IOException {
        int units = plan.units().size();
        double[] distance = new double[units];
        double[] norm = new double[units];
        lanes.forEach(units, spaces.size(), (lane, u) -> {
            WindowPlan.Unit unit = plan.units().get(u);
            Workspace space = spaces.get(lane);
            Tensor x = space.x(unit.rows());
            states.load(level, unit.firstRow(), backend, x, space.host);
            decoder.forward(layer, weights, x, unit.length(), space, DecoderLayer.Tap.NONE);
            if (tally.noise != null) {
                backend.download(x, space.host);
                tally.noise.disturb(space.host, layer, unit.firstRow(), unit.rows(), x.columns());
                backend.upload(space.host, x);
            }
            states.store(level, unit.firstRow(), backend, x, space.host);
            if (level > 0) {
                Tensor reference = space.reference(unit.rows());
                states.load(0, unit.firstRow(), backend, reference, space.host);
                distance[u] = backend.squaredDistance(x, reference);
                norm[u] = backend.squaredNorm(reference);
            }
        });
        for (int u = 0; u < units; u++) {
            tally.layerDistance[layer] += distance[u];
            tally.layerNorm[layer] += norm[u];
        }
    }
}
