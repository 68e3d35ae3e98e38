package org.bitscarp.eval.engine;

import java.util.Arrays;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;

/** What a sweep takes besides hidden states, computed before it is taken. */
final class MemoryUse {
    private MemoryUse() {}

    /** Different output projections of recipes. */
    static int headFormats(List<Recipe> recipes) {
        return (int) recipes.stream()
                .map(recipe -> Arrays.asList(
                        recipe.head(),
                        recipe.solvesTables() ? recipe.tables() : null,
                        recipe.solvesTables() ? recipe.embedding() : null))
                .distinct()
                .count();
    }

    /**
     * Bytes outside the heap at the worse of the two stages, layers and vocabulary.
     *
     * @param headFormats different output projections of the recipes
     */
    static long fixed(Checkpoint checkpoint, List<Recipe> recipes, int headFormats, int unitRows, Backend backend) {
        int lanes = backend.lanes();
        DecoderSpec spec = checkpoint.spec();
        long layer = 0;
        for (TensorRole role : TensorRole.values()) {
            Weight weight = role.inLayer() ? checkpoint.anyLayer(role).orElse(null) : null;
            layer += weight == null ? 0 : 4 * weight.size();
        }
        // As read, on the backend or read ahead for a device, and packed: one level at a time.
        long layers = hessians(checkpoint, recipes, backend, unitRows)
                + 2 * layer
                + (transforms(recipes) ? layer : 0)
                + largestPacked(checkpoint, recipes)
                + lanes * Workspace.bytes(spec, unitRows);
        // Of the projection alone and of one table for both: moments and factor.
        long tables = recipes.stream().anyMatch(Recipe::solvesTables) ? 4 * 4L * spec.hidden() * spec.hidden() : 0;
        return tables + Math.max(layers, HeadScorer.bytes(spec, unitRows, lanes, headFormats));
    }

    /** Packed linear maps of all layers in all recipes. */
    static long packedModels(Checkpoint checkpoint, List<Recipe> recipes) {
        long bytes = 0;
        for (Recipe recipe : recipes) {
            for (int layer = 0; layer < checkpoint.spec().layers(); layer++) {
                bytes += packedLayer(checkpoint, recipe, layer);
            }
        }
        return bytes;
    }

    private static long largestPacked(Checkpoint checkpoint, List<Recipe> recipes) {
        long most = 0;
        for (Recipe recipe : recipes) {
            for (int layer = 0; layer < checkpoint.spec().layers(); layer++) {
                most = Math.max(most, packedLayer(checkpoint, recipe, layer));
            }
        }
        return most;
    }

    private static long packedLayer(Checkpoint checkpoint, Recipe recipe, int layer) {
        long bytes = 0;
        for (TensorRole role : TensorRole.values()) {
            Weight weight = role.linear() ? checkpoint.weight(role, layer).orElse(null) : null;
            BlockFormat format = weight == null ? null : recipe.maps().format(role, layer);
            if (weight != null && format != FloatFormat.FP32) {
                bytes += weight.rows() * format.rowBytes(Math.toIntExact(weight.columns()));
            }
        }
        return bytes;
    }

    /** Second moments of a layer's inputs: the sum, the mean, the factor, and the two in another order of the channels. */
    private static long hessians(Checkpoint checkpoint, List<Recipe> recipes, Backend backend, int unitRows) {
        List<Level> levels = recipes.stream().map(Recipe::level).toList();
        boolean shared = levels.stream().anyMatch(level -> level.usesHessian() && !level.sequential());
        boolean own = levels.stream().anyMatch(Level::sequential);
        if (!shared && !own) {
            return 0;
        }
        MomentPrecision precision = backend.moments();
        int matrices = 5
                // Cross moments and the correction that they make.
                + (levels.stream().anyMatch(Level::asymmetric) ? 3 : 0)
                // The second half of each sum, and a unit's part.
                + (precision == MomentPrecision.COMPENSATED ? 2 : 0);
        long all = 0;
        long largest = 0;
        long rounded = 0;
        for (LayerInput input : LayerInput.of(checkpoint)) {
            long moments = 4L * input.channels() * input.channels();
            long bytes = (transforms(recipes) ? 2 : 1) * matrices * input.experts() * moments;
            all += bytes;
            largest = Math.max(largest, bytes);
            rounded = Math.max(rounded, 2L * unitRows * input.channels() * backend.lanes());
        }
        // A sequential level has those of one input at a time, unless it moves all of them to another basis together.
        boolean together = levels.stream()
                .anyMatch(level -> level.sequential() && !level.transform().identity());
        return (shared ? all : 0)
                + (together ? all : own ? largest : 0)
                + (precision == MomentPrecision.BF16 ? rounded : 0);
    }

    /** Then there is a copy of the layer, and of its second moments, in another basis. */
    private static boolean transforms(List<Recipe> recipes) {
        return recipes.stream().anyMatch(recipe -> !recipe.level().transform().identity());
    }
}
