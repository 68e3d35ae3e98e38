package org.bitscarp.eval.engine;

import java.util.List;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.Level;

/** What would make a sweep fail late, found before any work. */
final class SweepChecks {
    private SweepChecks() {}

    /** @throws IllegalArgumentException when a level's blocks do not fit the rows of a matrix */
    static void widths(Checkpoint checkpoint, List<Level> levels) {
        for (TensorRole role : TensorRole.values()) {
            Weight weight = role.linear() ? checkpoint.anyLayer(role).orElse(null) : null;
            if (weight == null) {
                continue;
            }
            int columns = Math.toIntExact(weight.columns());
            for (Level level : levels) {
                if (!level.format().supports(columns)) {
                    throw new IllegalArgumentException("level " + level + " stores blocks of "
                            + level.format().blockLength(columns) + " weights, and " + weight.name() + " has rows of "
                            + columns + "; leave the level out or use one with another block length");
                }
            }
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
    static void transforms(Checkpoint checkpoint, List<Level> levels) {
        for (Level level : levels) {
            Folding.of(checkpoint, level.transform()).refusal().ifPresent(why -> {
                throw new IllegalArgumentException(
                        "level " + level + ": " + checkpoint.spec().architecture() + " does not allow it: " + why);
            });
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
    static void calibration(List<Level> levels, WindowPlan calibrationPlan) {
        for (Level level : levels) {
            if (level.needsHessian() && calibrationPlan == null) {
                String needy = level.solver().needsHessian()
                        ? level.solver().name()
                        : level.transform().toString();
                throw new IllegalArgumentException(level + ": " + needy
                        + " needs calibration text, which should not be the text that is measured; give --calibration"
                        + " builtin-calibration, a file or a data set");
            }
        }
    }
}
