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
import org.bitscarp.eval.budget.FileLayout;
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
    private final String program;
    private final List<Recipe> targets = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    /** @param program name and version, which stand in files that keep within a budget */
    RowRecipes(Checkpoint checkpoint, SweepRequest request, String program) throws IOException {
        this.checkpoint = checkpoint;
        this.request = request;
        this.program = program;
        for (QuantizeTarget target : request.rows().targets()) {
            targets.add(GgufRecipes.of(checkpoint, target, notes));
        }
    }

    /** Of levels and mixes. */
    List<Recipe> targets() {
        return targets;
    }

    /** Bytes that linear maps of all budgets take together at most. */
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
                        budget,
                        GgufRecipes.layout(checkpoint, budget.toString(), program),
                        GgufRecipes.mixes(checkpoint, budget.solver()));
                plans.add(budget, plan);
            }
            for (String note : plan.notes()) {
                notes.add(budget + ": " + note);
            }
            notes.add(budget + ": " + formats(plan) + ".");
            if (names.contains(budget.toString())) {
                recipes.add(plan.recipe(checkpoint, budget.toString()));
            }
        }
        return recipes;
    }

    private static String formats(BudgetPlan plan) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        List<String> tables = new ArrayList<>();
        plan.formats().forEach((place, format) -> {
            if (place.role().linear()) {
                counts.merge(format.name(), 1, Integer::sum);
            } else {
                tables.add((place.equals(FileLayout.EMBEDDING) ? "embedding " : "output projection ") + format.name());
            }
        });
        String maps = counts.entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", "));
        return "linear maps by format: " + maps + ", all by "
                + plan.base().solver().name() + "; " + String.join(", ", tables);
    }
}
