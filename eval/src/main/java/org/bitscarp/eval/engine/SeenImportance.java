package org.bitscarp.eval.engine;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Imatrix;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;

/** Puts the importances that a calibration pass finds into the form of llama.cpp's imatrix files. */
public final class SeenImportance {
    private final Map<String, Imatrix.Entry> entries = new HashMap<>();

    /** Takes a layer; those that were not gathered, because the layer has no such map, are left out. */
    void add(Checkpoint checkpoint, int layer, Importance importance) throws ModelException {
        for (TensorRole role : TensorRole.values()) {
            if (role.linear()
                    && importance.overall().containsKey(role.input())
                    && checkpoint.weight(role, layer).isPresent()) {
                int matrices = role.perExpert() ? checkpoint.spec().mlp().experts() : 1;
                entries.put(Imatrix.tensor(checkpoint, role, layer), entry(role, matrices, importance));
            }
        }
    }

    private static Imatrix.Entry entry(TensorRole role, int matrices, Importance importance) {
        int columns = importance.overall().get(role.input()).length;
        float[] means = new float[matrices * columns];
        long[] counts = new long[matrices];
        importance.ofExperts().get(role.input()).forEach((expert, own) -> {
            System.arraycopy(own, 0, means, expert * columns, columns);
            counts[expert] = importance.rows().get(role.input()).get(expert);
        });
        return new Imatrix.Entry(means, counts);
    }

    /**
     * Everything that was taken.
     *
     * @param dataset the calibration text
     */
    public Imatrix imatrix(Path file, String dataset, WindowPlan calibration) {
        return new Imatrix(
                file,
                null,
                Map.copyOf(entries),
                List.of(dataset),
                calibration.units().stream()
                        .mapToLong(unit -> unit.rows() / unit.length())
                        .sum(),
                calibration.longestWindow());
    }
}
