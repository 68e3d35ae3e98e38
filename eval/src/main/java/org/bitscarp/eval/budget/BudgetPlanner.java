package org.bitscarp.eval.budget;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.bitscarp.eval.engine.CandidateErrors;
import org.bitscarp.eval.engine.CandidateErrors.Cost;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.eval.engine.Resources;
import org.bitscarp.eval.engine.SensitivityPart;
import org.bitscarp.eval.engine.SensitivityPass;
import org.bitscarp.eval.engine.Sweep;
import org.bitscarp.eval.engine.TokenScores;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.stats.MeanDivergence;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.allocation.Knapsack;

/**
 * Finds formats under a budget in four steps, each on its own windows of the calibration text. Output errors of every map in
 * every candidate format. Divergence of the model with one map alone quantized, which tells what an output error of this
 * map is worth: damage = error × (divergence / error at the format nearest to the budget), so divergences of single maps
 * are taken to add up. The choice of least total damage. And the proof: the chosen formats against the best single one and
 * against rivals of about the size, measured end to end on windows that none of this has seen; the best is taken.
 */
public final class BudgetPlanner {
    /** Formats that GGUF files have; those whose blocks do not fit a map are left out for it. */
    public static final List<BlockFormat> FORMATS =
            List.of("tq2_0", "q2_0", "q2_k", "q3_k", "iq4_xs", "iq4_nl", "q4_k", "q5_0", "q5_k", "q6_k", "q8_0")
                    .stream()
                    .map(word -> Level.parse(word).format())
                    .toList();

    /** Rivals that are measured at most. */
    private static final int RIVALS = 2;

    private static final String CHOSEN = "formats chosen tensor by tensor";

    /**
     * Windows of the calibration text, without overlap.
     *
     * @param calibration that solvers and output errors use
     * @param sensitivity that divergences of single maps are measured on
     * @param heldOut that the result is measured on
     */
    public record Windows(WindowPlan calibration, WindowPlan sensitivity, WindowPlan heldOut) {}

    private final Checkpoint checkpoint;
    private final Resources resources;
    private final Windows windows;
    private final Map<String, Map<Place, Map<BlockFormat, Cost>>> known = new HashMap<>();
    private final Map<String, Map<Place, Double>> worths = new HashMap<>();

    public BudgetPlanner(Checkpoint checkpoint, Resources resources, Windows windows) {
        this.checkpoint = checkpoint;
        this.resources = resources;
        this.windows = windows;
    }

    /**
     * Plans for one budget.
     *
     * @param together maps that have to have the same format, since a file stores them in one tensor; every map once
     * @param rivals whose formats are tried too, where they keep within the budget
     * @throws IllegalArgumentException for a budget that even the smallest candidates exceed
     */
    public BudgetPlan plan(Budget budget, List<List<Place>> together, List<Recipe> rivals) throws IOException {
        Map<Place, Map<BlockFormat, Cost>> costs = costs(budget.solver());
        long weights = 0;
        for (Place place : costs.keySet()) {
            weights += weight(place).size();
        }
        long bytes = budget.bytes(checkpoint);
        Optional<BlockFormat> uniform = largestUniform(costs, bytes);
        BlockFormat probe = uniform.orElseGet(() -> smallestUniform(costs));
        Level base = new Level(probe, budget.solver());
        Map<Place, Double> worth = worth(base, costs, probe);
        Map<Place, BlockFormat> chosen = choose(budget, together, costs, worth, bytes, weights);
        return prove(base, uniform.isPresent(), chosen, rivals, bytes, weights);
    }

    /** The same for all budgets with one solver. */
    private Map<Place, Map<BlockFormat, Cost>> costs(Solver solver) throws IOException {
        Map<Place, Map<BlockFormat, Cost>> costs = known.get(solver.name());
        if (costs == null) {
            costs = new CandidateErrors(checkpoint, resources, windows.calibration).run(FORMATS, solver);
            known.put(solver.name(), costs);
        }
        return costs;
    }

    private Weight weight(Place place) {
        return checkpoint.weight(place.role(), place.layer()).orElseThrow();
    }

    private static long bytes(Map<Place, Map<BlockFormat, Cost>> costs, BlockFormat format) {
        return costs.values().stream().mapToLong(c -> c.get(format).bytes()).sum();
    }

    private static List<BlockFormat> everywhere(Map<Place, Map<BlockFormat, Cost>> costs) {
        return FORMATS.stream()
                .filter(format -> costs.values().stream().allMatch(c -> c.containsKey(format)))
                .toList();
    }

    private static double error(Map<Place, Map<BlockFormat, Cost>> costs, BlockFormat format) {
        return costs.values().stream().mapToDouble(c -> c.get(format).error()).sum();
    }

    /** Of the formats that fit the budget the one whose errors are least. */
    private static Optional<BlockFormat> largestUniform(Map<Place, Map<BlockFormat, Cost>> costs, long budget) {
        return everywhere(costs).stream()
                .filter(format -> bytes(costs, format) <= budget)
                .min(Comparator.comparingDouble(format -> error(costs, format)));
    }

    private static BlockFormat smallestUniform(Map<Place, Map<BlockFormat, Cost>> costs) {
        return everywhere(costs).stream()
                .min(Comparator.comparingLong(format -> bytes(costs, format)))
                .orElseThrow(() -> new IllegalArgumentException(
                        "no format has blocks that fit the rows of all linear maps of this model"));
    }

    /** Divergence for each unit of output error, by map; the same for all budgets with one probe. */
    private Map<Place, Double> worth(Level probe, Map<Place, Map<BlockFormat, Cost>> costs, BlockFormat format)
            throws IOException {
        Map<Place, Double> worth = worths.get(probe.toString());
        if (worth == null) {
            worth = measureWorth(probe, costs, format);
            worths.put(probe.toString(), worth);
        }
        return worth;
    }

    private Map<Place, Double> measureWorth(Level probe, Map<Place, Map<BlockFormat, Cost>> costs, BlockFormat format)
            throws IOException {
        List<SensitivityPart> parts = SensitivityPass.parts(checkpoint, true).stream()
                .filter(part -> part.roles().size() == 1)
                .toList();
        SensitivityPass.Result result =
                new SensitivityPass(checkpoint, resources, windows.sensitivity, windows.calibration, probe).run(parts);
        Map<Place, Double> worth = new LinkedHashMap<>();
        for (SensitivityPass.Cost cost : result.costs()) {
            TensorRole role = cost.part().roles().iterator().next();
            Place place = new Place(role, cost.part().layer());
            double error = costs.get(place).get(format).error();
            double divergence = divergence(cost.alone(), windows.sensitivity);
            worth.put(place, error > 0 ? Math.max(0, divergence) / error : 0);
        }
        return worth;
    }

    private static double divergence(TokenScores scores, WindowPlan plan) {
        return MeanDivergence.of(scores.kld(), scores.sameTop1(), plan.scoredRows(0))
                .mean();
    }

    private Map<Place, BlockFormat> choose(
            Budget budget,
            List<List<Place>> together,
            Map<Place, Map<BlockFormat, Cost>> costs,
            Map<Place, Double> worth,
            long bytes,
            long weights) {
        List<List<Knapsack.Option>> items = new ArrayList<>();
        List<List<BlockFormat>> formats = new ArrayList<>();
        for (List<Place> group : together) {
            List<Knapsack.Option> options = new ArrayList<>();
            List<BlockFormat> fitting = new ArrayList<>();
            for (BlockFormat format : FORMATS) {
                if (group.stream().allMatch(place -> costs.get(place).containsKey(format))) {
                    fitting.add(format);
                    options.add(new Knapsack.Option(
                            group.stream()
                                    .mapToLong(place ->
                                            costs.get(place).get(format).bytes())
                                    .sum(),
                            group.stream()
                                    .mapToDouble(place -> worth.get(place)
                                            * costs.get(place).get(format).error())
                                    .sum()));
                }
            }
            items.add(options);
            formats.add(fitting);
        }
        int[] choice = Knapsack.choose(items, bytes)
                .orElseThrow(() -> new IllegalArgumentException(String.format(
                        Locale.ROOT,
                        "a budget of %s is less than the smallest formats take, %.3f bits per weight",
                        budget,
                        8.0
                                * items.stream()
                                        .mapToLong(options -> options.stream()
                                                .mapToLong(Knapsack.Option::bytes)
                                                .min()
                                                .orElse(0))
                                        .sum()
                                / weights)));
        Map<Place, BlockFormat> chosen = new LinkedHashMap<>();
        for (int i = 0; i < choice.length; i++) {
            for (Place place : together.get(i)) {
                chosen.put(place, formats.get(i).get(choice[i]));
            }
        }
        return chosen;
    }

    /** What is tried end to end, the optimised choice first. */
    private record Candidate(String name, Map<Place, BlockFormat> formats, long bytes) {}

    /**
     * Measures the choice beside what it has to beat: the single format, and the largest of the rivals that keep within the
     * budget.
     */
    private BudgetPlan prove(
            Level base, boolean baseFits, Map<Place, BlockFormat> chosen, List<Recipe> rivals, long bytes, long weights)
            throws IOException {
        List<Candidate> candidates = new ArrayList<>();
        candidates.add(candidate(CHOSEN, chosen.keySet(), place -> chosen.get(place)));
        candidates.add(candidate(base + " throughout", chosen.keySet(), place -> base.format()));
        rivals.stream()
                .map(rival -> candidate(
                        "the mix " + rival.name(),
                        chosen.keySet(),
                        place -> rival.maps().format(place.role(), place.layer())))
                .filter(rival -> rival.bytes <= bytes && new HashSet<>(rival.formats.values()).size() > 1)
                .sorted(Comparator.comparingLong(Candidate::bytes).reversed())
                .limit(RIVALS)
                .forEach(candidates::add);
        double[] divergences = divergences(base, candidates);
        int best = 0;
        for (int c = 1; c < divergences.length; c++) {
            boolean fits = c > 1 || baseFits;
            // A choice whose divergence is no number is beaten by any that has one.
            if (fits && !(divergences[best] <= divergences[c]) && !Double.isNaN(divergences[c])) {
                best = c;
            }
        }
        Candidate taken = candidates.get(best);
        double uniform = baseFits ? divergences[1] : Double.NaN;
        return new BudgetPlan(
                base,
                taken.formats,
                8.0 * taken.bytes / weights,
                divergences[best],
                uniform,
                best > 0,
                List.of(said(candidates, divergences, baseFits, best)));
    }

    private Candidate candidate(String name, Set<Place> places, Function<Place, BlockFormat> format) {
        Map<Place, BlockFormat> formats = new LinkedHashMap<>();
        long bytes = 0;
        for (Place place : places) {
            Weight weight = weight(place);
            formats.put(place, format.apply(place));
            bytes += weight.rows() * format.apply(place).rowBytes(Math.toIntExact(weight.columns()));
        }
        return new Candidate(name, formats, bytes);
    }

    private double[] divergences(Level base, List<Candidate> candidates) throws IOException {
        List<Recipe> recipes = new ArrayList<>();
        recipes.add(Recipe.of(checkpoint, new Level(FloatFormat.FP32, Solvers.RTN)));
        for (Candidate candidate : candidates) {
            recipes.add(Recipe.of(
                    checkpoint, candidate.name, base, (role, layer) -> candidate.formats.get(new Place(role, layer))));
        }
        return new Sweep(checkpoint, resources, windows.heldOut, windows.calibration, recipes)
                .run().stream()
                        .skip(1)
                        .mapToDouble(result -> divergence(result.scores(), windows.heldOut))
                        .toArray();
    }

    private String said(List<Candidate> candidates, double[] divergences, boolean baseFits, int best) {
        List<String> parts = new ArrayList<>();
        for (int c = 0; c < divergences.length; c++) {
            if (c != 1 || baseFits) {
                parts.add(String.format(Locale.ROOT, "%.5f with %s", divergences[c], candidates.get(c).name));
            }
        }
        return "On " + windows.heldOut.scoredRows(0).length + " held-out tokens of the calibration text: KL "
                + String.join(", ", parts) + (baseFits ? "" : "; no single format fits the budget")
                + (best == 0 ? "." : "; not better, so it is " + candidates.get(best).name + ".");
    }
}
