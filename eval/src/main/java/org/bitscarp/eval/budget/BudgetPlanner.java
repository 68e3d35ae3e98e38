package org.bitscarp.eval.budget;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.compute.Backend;
import org.bitscarp.eval.engine.CandidateErrors;
import org.bitscarp.eval.engine.CandidateErrors.Cost;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.engine.Progress;
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
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.allocation.Knapsack;

/**
 * Finds formats under a budget in four steps, each on its own windows of the calibration text. Output errors of every map in
 * every candidate format. Divergence of the model with one map alone quantized, which tells what an output error of this
 * map is worth: damage = error × (divergence / error at the format nearest to the budget), so divergences of single maps
 * are taken to add up. The choice of least total damage. And the proof: the chosen formats against the best single one,
 * measured end to end on windows that none of this has seen; where they are not better, the single format is taken.
 */
public final class BudgetPlanner {
    /** Formats that GGUF files have; those whose blocks do not fit a map are left out for it. */
    public static final List<BlockFormat> CANDIDATES =
            List.of("tq2_0", "q2_0", "q2_k", "q3_k", "iq4_xs", "iq4_nl", "q4_k", "q5_0", "q5_k", "q6_k", "q8_0")
                    .stream()
                    .map(word -> Level.parse(word).format())
                    .toList();

    /**
     * Windows of the calibration text, without overlap.
     *
     * @param calibration that solvers and output errors use
     * @param sensitivity that divergences of single maps are measured on
     * @param heldOut that the result is measured on
     */
    public record Windows(WindowPlan calibration, WindowPlan sensitivity, WindowPlan heldOut) {}

    private final Checkpoint checkpoint;
    private final Backend backend;
    private final Windows windows;
    private final long memoryBudget;
    private final Path spillFolder;
    private final Progress progress;

    public BudgetPlanner(
            Checkpoint checkpoint,
            Backend backend,
            Windows windows,
            long memoryBudget,
            Path spillFolder,
            Progress progress) {
        this.checkpoint = checkpoint;
        this.backend = backend;
        this.windows = windows;
        this.memoryBudget = memoryBudget;
        this.spillFolder = spillFolder;
        this.progress = progress;
    }

    /**
     * Plans for one budget.
     *
     * @param together maps that have to have the same format, since a file stores them in one tensor; every map once
     * @throws IllegalArgumentException for a budget that even the smallest candidates exceed
     */
    public BudgetPlan plan(Budget budget, List<List<Place>> together) throws IOException {
        Map<Place, Map<BlockFormat, Cost>> costs = new CandidateErrors(
                        checkpoint, backend, windows.calibration, memoryBudget, spillFolder, progress)
                .run(CANDIDATES, budget.solver());
        long weights = 0;
        for (Place place : costs.keySet()) {
            weights += weight(place).size();
        }
        long bytes = (long) Math.floor(budget.bitsPerWeight() * weights / 8);
        Optional<BlockFormat> uniform = largestUniform(costs, bytes);
        BlockFormat probe = uniform.orElseGet(() -> smallestUniform(costs));
        Map<Place, Double> worth = worth(new Level(probe, budget.solver()), costs, probe);
        Map<Place, BlockFormat> chosen = choose(budget, together, costs, worth, bytes, weights);
        return prove(new Level(probe, budget.solver()), uniform.isPresent(), costs, chosen, weights);
    }

    private Weight weight(Place place) {
        return checkpoint.weight(place.role(), place.layer()).orElseThrow();
    }

    private static long bytes(Map<Place, Map<BlockFormat, Cost>> costs, BlockFormat format) {
        return costs.values().stream().mapToLong(c -> c.get(format).bytes()).sum();
    }

    private static List<BlockFormat> everywhere(Map<Place, Map<BlockFormat, Cost>> costs) {
        return CANDIDATES.stream()
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

    /** Divergence for each unit of output error, by map. */
    private Map<Place, Double> worth(Level probe, Map<Place, Map<BlockFormat, Cost>> costs, BlockFormat format)
            throws IOException {
        List<SensitivityPart> parts = SensitivityPass.parts(checkpoint, true).stream()
                .filter(part -> part.roles().size() == 1)
                .toList();
        SensitivityPass.Result result = new SensitivityPass(
                        checkpoint,
                        backend,
                        windows.sensitivity,
                        windows.calibration,
                        probe,
                        memoryBudget,
                        spillFolder,
                        progress)
                .run(parts);
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
            for (BlockFormat format : CANDIDATES) {
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

    /** Measures the choice and the single format side by side. */
    private BudgetPlan prove(
            Level base,
            boolean baseFits,
            Map<Place, Map<BlockFormat, Cost>> costs,
            Map<Place, BlockFormat> chosen,
            long weights)
            throws IOException {
        Level full = new Level(FloatFormat.FP32, Solvers.RTN);
        List<LevelResult> results = new Sweep(
                        checkpoint,
                        backend,
                        windows.heldOut,
                        windows.calibration,
                        List.of(full, base, base),
                        memoryBudget,
                        spillFolder,
                        progress)
                .allocate(1, (role, layer) -> chosen.get(new Place(role, layer)))
                .run();
        double mixed = divergence(results.get(1).scores(), windows.heldOut);
        double uniform = baseFits ? divergence(results.get(2).scores(), windows.heldOut) : Double.NaN;
        boolean fallBack = baseFits && !(mixed < uniform);
        Map<Place, BlockFormat> formats = new LinkedHashMap<>(chosen);
        if (fallBack) {
            formats.replaceAll((place, format) -> base.format());
        }
        long bytes = 0;
        for (Map.Entry<Place, BlockFormat> entry : formats.entrySet()) {
            bytes += costs.get(entry.getKey()).get(entry.getValue()).bytes();
        }
        List<String> notes = List.of(String.format(
                Locale.ROOT,
                baseFits
                        ? "On %d held-out tokens of the calibration text: KL %.5f with formats chosen tensor by tensor, %.5f"
                                + " with %s throughout" + (fallBack ? "; not better, so %4$s is what was taken." : ".")
                        : "On %d held-out tokens of the calibration text: KL %.5f; no single format fits the budget.",
                windows.heldOut.scoredRows(0).length,
                mixed,
                uniform,
                base));
        return new BudgetPlan(
                base, formats, 8.0 * bytes / weights, fallBack ? uniform : mixed, uniform, fallBack, notes);
    }
}
