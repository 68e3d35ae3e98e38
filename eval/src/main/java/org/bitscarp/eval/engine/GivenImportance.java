package org.bitscarp.eval.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Imatrix;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.Level;

/**
 * Importances from a file instead of calibration text, for levels that ask for no more than mean squares. A level that needs
 * second moments takes those, and the mean squares that belong to them, from calibration text all the same, or from what
 * an earlier run on that text has kept.
 */
public final class GivenImportance {
    /** Without a file. */
    public static final GivenImportance NONE = new GivenImportance(List.of(), null);

    private final List<Importance> layers;
    private final KeptHessians kept;

    private GivenImportance(List<Importance> layers, KeptHessians kept) {
        this.layers = layers;
        this.kept = kept;
    }

    /** The same, with what a calibration is read from or kept in; null for neither. */
    public GivenImportance with(KeptHessians folder) {
        return new GivenImportance(layers, folder);
    }

    /** Where a calibration is read from or kept, or null. */
    KeptHessians kept() {
        return kept;
    }

    /**
     * @param imatrix null for none
     * @throws ModelException naming a tensor that the file lacks, or has another width for
     */
    public static GivenImportance of(Checkpoint checkpoint, Imatrix imatrix) throws ModelException {
        if (imatrix == null) {
            return NONE;
        }
        List<Importance> layers = new ArrayList<>();
        for (int layer = 0; layer < checkpoint.spec().layers(); layer++) {
            layers.add(layer(checkpoint, imatrix, layer));
        }
        return new GivenImportance(layers, null);
    }

    private static Importance layer(Checkpoint checkpoint, Imatrix imatrix, int layer) throws ModelException {
        Map<TensorRole, float[]> overall = new EnumMap<>(TensorRole.class);
        Map<TensorRole, Map<Integer, float[]>> ofExperts = new EnumMap<>(TensorRole.class);
        for (TensorRole role : TensorRole.values()) {
            if (!role.linear() || checkpoint.weight(role, layer).isEmpty()) {
                continue;
            }
            // Every map is looked up, so that an incomplete file is noticed; those with one input have equal entries.
            Imatrix.Entry entry = imatrix.of(checkpoint, role, layer);
            int columns = entry.meanSquares().length / entry.counts().length;
            double[] sums = new double[columns];
            long tokens = 0;
            Map<Integer, float[]> means = new HashMap<>();
            for (int expert = 0; expert < entry.counts().length; expert++) {
                long count = entry.counts()[expert];
                if (count == 0) {
                    continue;
                }
                float[] own = Arrays.copyOfRange(entry.meanSquares(), expert * columns, (expert + 1) * columns);
                for (int i = 0; i < columns; i++) {
                    sums[i] += (double) own[i] * count;
                }
                tokens += count;
                means.put(expert, own);
            }
            float[] mean = new float[columns];
            for (int i = 0; i < columns; i++) {
                mean[i] = (float) (sums[i] / tokens);
            }
            overall.put(role.input(), mean);
            ofExperts.put(role.input(), means);
        }
        return new Importance(overall, ofExperts, Map.of(), Map.of());
    }

    boolean none() {
        return layers.isEmpty();
    }

    /** The importances of a layer, {@link Importance#NONE} without a file. */
    Importance of(int layer) {
        return none() ? Importance.NONE : layers.get(layer);
    }

    /** What a level goes by: the file, or what calibration measured where there is no file or it does not suffice. */
    Importance of(int layer, Level level, Importance measured) {
        return none() || level.usesHessian() ? measured : layers.get(layer);
    }

    /** Whether a level goes by what calibration text tells, file or not. */
    boolean leaves(Level level) {
        return level.calibrated() && (none() || level.usesHessian());
    }

    /** Whether there is a file and a level that it does not suffice for, with no calibration text to help it. */
    void check(List<Recipe> recipes, WindowPlan calibration) {
        for (Recipe recipe : recipes) {
            if (!none() && calibration == null && recipe.level().usesHessian()) {
                throw new IllegalArgumentException(
                        recipe.name() + ": --imatrix gives mean squares of input channels, and this"
                                + " level takes their second moments (Hessian) too; give --calibration builtin-calibration, a"
                                + " file or a data set as well");
            }
        }
    }
}
