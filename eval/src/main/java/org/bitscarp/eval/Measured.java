package org.bitscarp.eval;

import java.util.List;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.model.Checkpoint;

/**
 * What was measured, with the words that reports have for it.
 *
 * @param name that no other row has
 * @param format of the linear maps
 * @param solver that chose their codes
 * @param parameters of the model, which its size is divided by
 */
record Measured(LevelResult result, String name, String format, String solver, long parameters) {
    /** Levels of a checkpoint. */
    static List<Measured> levels(List<LevelResult> results, Checkpoint checkpoint) {
        return results.stream()
                .map(result ->
                        new Measured(result, result.name(), result.format(), result.solver(), checkpoint.parameters()))
                .toList();
    }
}
