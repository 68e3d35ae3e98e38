package org.bitscarp.eval.budget;

import java.util.List;
import java.util.Map;
import org.bitscarp.eval.engine.Allocation;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;

/**
 * Which format each linear map gets under a budget.
 *
 * @param base solver, and the best single format that fits the budget
 * @param formats of every map
 * @param bitsPerWeight of all maps together
 * @param divergence KL of these formats from full precision on held-out windows, nats per token
 * @param uniform the same of {@code base}; NaN where no single format fits the budget
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
    public Allocation allocation() {
        return (role, layer) -> formats.get(new Place(role, layer));
    }
}
