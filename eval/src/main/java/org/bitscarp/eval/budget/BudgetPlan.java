package org.bitscarp.eval.budget;

import java.util.List;
import java.util.Map;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;

/**
 * Which format each matrix gets under a budget.
 *
 * @param base solver, and the best single format that fits the budget
 * @param formats of every linear map and of the tables
 * @param bitsPerWeight of all maps together
 * @param divergence KL of these formats from full precision on held-out windows, nats per token
 * @param uniform the same of the best single format; NaN where none fits the budget
 * @param fellBack whether the optimised choice was not better there than one format throughout or a rival, so that {@code
 *     formats} is that
 * @param notes what a reader should know
 */
public record BudgetPlan(
        Level base,
        Map<Place, BlockFormat> formats,
        double bitsPerWeight,
        double divergence,
        double uniform,
        boolean fellBack,
        List<String> notes) {
    /** What a sweep scores, or a file holds, under a name. */
    public Recipe recipe(Checkpoint checkpoint, String name) {
        return recipe(checkpoint, name, base, formats);
    }

    static Recipe recipe(Checkpoint checkpoint, String name, Level base, Map<Place, BlockFormat> formats) {
        Recipe recipe = Recipe.of(checkpoint, name, base, (role, layer) -> formats.get(new Place(role, layer)));
        BlockFormat embedding = formats.get(FileLayout.EMBEDDING);
        return embedding == null
                ? recipe
                : recipe.withTables(embedding, formats.getOrDefault(FileLayout.OUTPUT, embedding));
    }
}
