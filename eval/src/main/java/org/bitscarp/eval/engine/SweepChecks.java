package org.bitscarp.eval.engine;

import java.util.List;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;

/** What would make a sweep fail late, found before any work. */
final class SweepChecks {
    private SweepChecks() {}

    /** @throws IllegalArgumentException when a level's blocks do not fit the rows of a matrix */
    static void widths(Checkpoint checkpoint, List<Recipe> recipes) {
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                Weight weight = checkpoint.weight(role, layer).orElse(null);
                for (Recipe recipe : weight == null ? List.<Recipe>of() : recipes) {
                    width(weight, recipe, recipe.maps().format(role, layer));
                }
            }
        }
    }

    private static void width(Weight weight, Recipe recipe, BlockFormat format) {
        int columns = Math.toIntExact(weight.columns());
        if (!format.supports(columns)) {
            throw new IllegalArgumentException("level " + recipe.name() + " stores blocks of "
                    + format.blockLength(columns) + " weights, and " + weight.name() + " has rows of " + columns
                    + "; leave the level out or use one with another block length");
        }
    }

    /** @throws IllegalArgumentException when a window has more tokens than the model has learned positions for */
    static void positions(Checkpoint checkpoint, int longestWindow) {
        Weight positions = checkpoint.weight(TensorRole.POSITION_EMBEDDING, 0).orElse(null);
        if (positions != null && longestWindow > positions.rows()) {
            throw new IllegalArgumentException("windows of " + longestWindow + " tokens, but " + positions.name()
                    + " has learned positions for " + positions.rows() + "; use --context " + positions.rows()
                    + " or less");
        }
    }

    /** @throws IllegalArgumentException when a model's architecture does not allow a level's transform */
    static void transforms(Checkpoint checkpoint, List<Recipe> recipes) {
        for (Recipe recipe : recipes) {
            Folding.of(checkpoint, recipe.level().transform()).refusal().ifPresent(why -> {
                throw new IllegalArgumentException("level " + recipe.name() + ": "
                        + checkpoint.spec().architecture() + " does not allow it: " + why);
            });
        }
    }

    /** @throws IllegalArgumentException where a sweep would round a table in another basis than a file does */
    static void tables(Checkpoint checkpoint, List<Recipe> recipes) {
        for (Recipe recipe : recipes) {
            if (recipe.fitsTables()
                    && Folding.of(checkpoint, recipe.level().transform()).rotatesResidual()) {
                throw new IllegalArgumentException("level " + recipe.name() + ": the mix stores embedding or output"
                        + " projection in blocks, of the rotated table in a file, which a sweep does not rotate; write"
                        + " it with quantize and measure the file, or leave the rotation out");
            }
        }
    }

    /** @throws IllegalArgumentException for a transform, which acts on more maps than the one that {@code what} is about */
    static void noTransform(Level level, String what) {
        if (!level.transform().identity()) {
            throw new IllegalArgumentException("level " + level + ": " + what + " looks at linear maps one by one, and "
                    + level.transform() + " changes neighbours together; leave it out");
        }
    }

    /** A level that needs calibration gets some. */
    static void calibration(List<Recipe> recipes, WindowPlan calibrationPlan) {
        for (Recipe recipe : recipes) {
            Level level = recipe.level();
            if (level.needsHessian() && calibrationPlan == null) {
                String needy = level.solver().needsHessian()
                        ? level.solver().name()
                        : level.transform().toString();
                throw new IllegalArgumentException(recipe.name() + ": " + needy
                        + " needs calibration text, which should not be the text that is measured; give --calibration"
                        + " builtin-calibration, a file or a data set");
            }
        }
    }
}
