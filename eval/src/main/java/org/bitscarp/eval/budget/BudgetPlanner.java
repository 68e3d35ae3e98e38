package org.bitscarp.eval.budget;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitscarp.eval.engine.CandidateErrors.Cost;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.eval.engine.Resources;
import org.bitscarp.eval.engine.Sweep;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.allocation.Knapsack;

/**
 * Finds formats under a budget in four steps, each on its own windows of the calibration text. Output errors of every map in
 * every candidate format. Divergence of the model with one map alone quantized, which tells what an output error of this
 * map is worth: damage = error × (divergence / error at the format nearest to the budget), and with one table alone in
 * every format that it may have; divergences of single matrices are taken to add up. The choice of least total damage. And
 * the proof: the chosen formats against the best single one and against rivals of about the size, measured end to end on
 * windows that none of this has seen; the best is taken.
 */
public final class BudgetPlanner {
    /** Rivals that are measured at most. */
    private static final int RIVALS = 2;

    private static final String CHOSEN = "formats chosen tensor by tensor";

    /**
     * Windows of the calibration text, without overlap.
     *
     * @param calibration that solvers and output errors use
     * @param sensitivity that divergences of single matrices are measured on
     * @param heldOut that the result is measured on
     */
    public record Windows(WindowPlan calibration, WindowPlan sensitivity, WindowPlan heldOut) {}

    private final Checkpoint checkpoint;
    private final Resources resources;
    private final Windows windows;
    private final Damages damages;

    public BudgetPlanner(Checkpoint checkpoint, Resources resources, Windows windows) {
        this.checkpoint = checkpoint;
        this.resources = resources;
        this.windows = windows;
        damages = new Damages(checkpoint, resources, windows);
    }

    /** What is tried end to end. */
    private record Candidate(String name, Map<Place, BlockFormat> formats) {}

    /**
     * Plans for one budget.
     *
     * @param rivals whose formats are tried too, where they keep within the budget
     * @throws IllegalArgumentException before any work for a budget that even the smallest candidates exceed
     */
    public BudgetPlan plan(Budget budget, FileLayout layout, List<Recipe> rivals) throws IOException {
        Allowance allowance = new Allowance(checkpoint, budget, layout);
        Map<Place, Map<BlockFormat, Cost>> errors = damages.errors(budget.solver());
        Optional<BlockFormat> bare = best(errors, format -> allowance.allows(single(allowance, format)));
        Optional<BlockFormat> pure = !budget.wholeFile()
                ? Optional.empty()
                : best(errors, format -> allowance.allows(pure(allowance, layout, format)));
        Level base = new Level(pure.or(() -> bare).orElseGet(() -> smallest(errors)), budget.solver());
        List<Candidate> candidates = new ArrayList<>();
        candidates.add(new Candidate(CHOSEN, choose(allowance, base)));
        bare.ifPresent(format -> candidates.add(
                new Candidate(new Level(format, budget.solver()) + " throughout", single(allowance, format))));
        pure.filter(format -> !bare.equals(Optional.of(format)))
                .ifPresent(format -> candidates.add(new Candidate(
                        new Level(format, budget.solver()) + " throughout, tables included",
                        pure(allowance, layout, format))));
        int singles = candidates.size() - 1;
        Set<Map<Place, BlockFormat>> tried =
                candidates.stream().map(Candidate::formats).collect(Collectors.toSet());
        rivals.stream()
                .map(rival -> new Candidate("the mix " + rival.name(), formats(allowance, rival)))
                .filter(rival -> allowance.allows(rival.formats))
                .filter(rival -> tried.add(rival.formats))
                .sorted(Comparator.comparingLong((Candidate rival) -> allowance.bytes(rival.formats))
                        .reversed())
                .limit(RIVALS)
                .forEach(candidates::add);
        return prove(base, candidates, singles, allowance);
    }

    /** One format for all maps. */
    private static Map<Place, BlockFormat> single(Allowance allowance, BlockFormat format) {
        return allowance.formats(place -> format, place -> null);
    }

    /** One format for all maps, and for the tables that can have it. */
    private static Map<Place, BlockFormat> pure(Allowance allowance, FileLayout layout, BlockFormat format) {
        return allowance.formats(
                place -> format, place -> layout.tables().get(place).contains(format) ? format : null);
    }

    private static Map<Place, BlockFormat> formats(Allowance allowance, Recipe rival) {
        return allowance.formats(
                place -> rival.maps().format(place.role(), place.layer()),
                place -> place.equals(FileLayout.EMBEDDING) ? rival.embedding() : rival.head());
    }

    private static Stream<BlockFormat> everywhere(Map<Place, Map<BlockFormat, Cost>> errors) {
        return errors.values().iterator().next().keySet().stream()
                .filter(format -> errors.values().stream().allMatch(costs -> costs.containsKey(format)));
    }

    private static double sum(
            Map<Place, Map<BlockFormat, Cost>> errors, ToDoubleFunction<Map<BlockFormat, Cost>> cost) {
        return errors.values().stream().mapToDouble(cost).sum();
    }

    /** Of the formats that fit all maps and a condition the one whose errors are least. */
    private static Optional<BlockFormat> best(
            Map<Place, Map<BlockFormat, Cost>> errors, Predicate<BlockFormat> condition) {
        return everywhere(errors)
                .filter(condition)
                .min(Comparator.comparingDouble(
                        format -> sum(errors, costs -> costs.get(format).error())));
    }

    private static BlockFormat smallest(Map<Place, Map<BlockFormat, Cost>> errors) {
        return everywhere(errors)
                .min(Comparator.comparingDouble(
                        format -> sum(errors, costs -> costs.get(format).bytes())))
                .orElseThrow(() -> new IllegalArgumentException(
                        "no format has blocks that fit the rows of all linear maps of this model"));
    }

    private Map<Place, BlockFormat> choose(Allowance allowance, Level base) throws IOException {
        Map<Place, Map<BlockFormat, Cost>> errors = damages.errors(base.solver());
        Map<Place, Double> worth = damages.worth(base);
        Map<Place, Map<BlockFormat, Double>> tables = damages.tables(allowance.tables(), base.solver());
        List<List<Knapsack.Option>> items = new ArrayList<>();
        for (Allowance.Tensor tensor : allowance.tensors()) {
            List<Knapsack.Option> options = new ArrayList<>();
            for (BlockFormat format : tensor.formats()) {
                double damage = 0;
                for (Place place : tensor.places()) {
                    damage += worth.containsKey(place)
                            ? worth.get(place) * errors.get(place).get(format).error()
                            : tables.getOrDefault(place, Map.of()).getOrDefault(format, 0.0);
                }
                options.add(new Knapsack.Option(allowance.bytes(tensor, format), damage));
            }
            items.add(options);
        }
        int[] choice = Knapsack.choose(items, allowance.limit()).orElseThrow();
        Map<Place, BlockFormat> chosen = new HashMap<>();
        for (int i = 0; i < choice.length; i++) {
            Allowance.Tensor tensor = allowance.tensors().get(i);
            for (Place place : tensor.places()) {
                chosen.put(place, tensor.formats().get(choice[i]));
            }
        }
        return allowance.formats(chosen::get, chosen::get);
    }

    /**
     * Measures all candidates and takes the best, the first where others are no better.
     *
     * @param singles how many behind the first have one format for all maps
     */
    private BudgetPlan prove(Level base, List<Candidate> candidates, int singles, Allowance allowance)
            throws IOException {
        double[] divergences = divergences(base, candidates);
        int best = 0;
        for (int c = 1; c < divergences.length; c++) {
            // A choice whose divergence is no number is beaten by any that has one.
            if (!(divergences[best] <= divergences[c]) && !Double.isNaN(divergences[c])) {
                best = c;
            }
        }
        Map<Place, BlockFormat> taken = candidates.get(best).formats;
        return new BudgetPlan(
                base,
                taken,
                allowance.bitsPerWeight(taken),
                divergences[best],
                Arrays.stream(divergences, 1, 1 + singles).min().orElse(Double.NaN),
                best > 0,
                List.of(said(candidates, divergences, singles, best)));
    }

    private double[] divergences(Level base, List<Candidate> candidates) throws IOException {
        List<Recipe> recipes = new ArrayList<>();
        recipes.add(Recipe.of(checkpoint, new Level(FloatFormat.FP32, Solvers.RTN)));
        for (Candidate candidate : candidates) {
            recipes.add(BudgetPlan.recipe(checkpoint, candidate.name, base, candidate.formats));
        }
        return new Sweep(checkpoint, resources, windows.heldOut, windows.calibration, recipes)
                .run().stream()
                        .skip(1)
                        .mapToDouble(result -> Damages.divergence(result.scores(), windows.heldOut))
                        .toArray();
    }

    private String said(List<Candidate> candidates, double[] divergences, int singles, int best) {
        List<String> parts = new ArrayList<>();
        for (int c = 0; c < divergences.length; c++) {
            parts.add(String.format(Locale.ROOT, "%.5f with %s", divergences[c], candidates.get(c).name));
        }
        return "On " + windows.heldOut.scoredRows(0).length + " held-out tokens of the calibration text: KL "
                + String.join(", ", parts) + (singles > 0 ? "" : "; no single format fits the budget")
                + (best == 0 ? "." : "; not better, so it is " + candidates.get(best).name + ".");
    }
}
