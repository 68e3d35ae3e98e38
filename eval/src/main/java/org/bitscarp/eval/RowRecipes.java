package org.bitscarp.eval;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.bitscarp.compute.Backend;
import org.bitscarp.eval.budget.Budget;
import org.bitscarp.eval.budget.BudgetPlan;
import org.bitscarp.eval.budget.BudgetPlanner;
import org.bitscarp.eval.budget.PlanStore;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.eval.quantize.GgufRecipes;
import org.bitscarp.eval.quantize.QuantizeTarget;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.model.Checkpoint;

/** The recipes of a sweep's rows: at once for levels and mixes, after measuring for budgets. */
final class RowRecipes {
    private final Checkpoint checkpoint;
    private final SweepRequest request;
    private final List<Recipe> targets = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    RowRecipes(Checkpoint checkpoint, SweepRequest request) throws IOException {
        this.checkpoint = checkpoint;
        this.request = request;
        for (QuantizeTarget target : request.rows().targets()) {
            targets.add(GgufRecipes.of(checkpoint, target, notes));
        }
    }

    /** Of levels and mixes. */
    List<Recipe> targets() {
        return targets;
    }

    /** Bytes of the linear maps of all budgets together at most. */
    long budgetBytes() {
        return request.rows().budgets().stream()
                .mapToLong(budget -> budget.bytes(checkpoint))
                .sum();
    }

    /** What a reader should know of them. */
    List<String> notes() {
        return notes;
    }

    /**
     * The recipes of some rows, and plans for their budgets unless a folder keeps them.
     *
     * @param windows for plans; null without budgets
     */
    List<Recipe> of(
            List<String> names,
            BudgetPlanner.Windows windows,
            Backend backend,
            Fingerprint fingerprint,
            Progress progress)
            throws IOException {
        List<Recipe> recipes = new ArrayList<>(
                targets.stream().filter(recipe -> names.contains(recipe.name())).toList());
        PlanStore plans = new PlanStore(request.keeping().folder(), fingerprint);
        BudgetPlanner planner = new BudgetPlanner(checkpoint, request.resources(backend, progress), windows);
        for (Budget budget : request.rows().budgets()) {
            BudgetPlan plan = plans.get(budget).orElse(null);
            if (plan == null) {
                progress.note("looking for the formats of " + budget);
                plan = planner.plan(
                        budget, GgufRecipes.tensors(checkpoint), GgufRecipes.mixes(checkpoint, budget.solver()));
                plans.add(budget, plan);
            }
            for (String note : plan.notes()) {
                notes.add(budget + ": " + note);
            }
            notes.add(budget + ": linear maps by format: " + counts(plan) + ", all by "
                    + budget.solver().name() + ".");
            if (names.contains(budget.toString())) {
                recipes.add(Recipe.of(checkpoint, budget.toString(), plan.base(), plan.allocation()));
            }
        }
        return recipes;
    }

    private static String counts(BudgetPlan plan) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        plan.formats().values().forEach(format -> counts.merge(format.name(), 1, Integer::sum));
        return counts.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", "));
    }
}
