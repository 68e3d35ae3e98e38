package org.bitscarp.eval.budget;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.eval.engine.CandidateErrors;
import org.bitscarp.eval.engine.CandidateErrors.Cost;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.eval.engine.LevelResult;
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
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;

/** What each matrix of a model costs in each format, in nats per token; everything is measured once for all budgets. */
final class Damages {
    private static final Level FULL_PRECISION = new Level(FloatFormat.FP32, Solvers.RTN);

    private final Checkpoint checkpoint;
    private final Resources resources;
    private final BudgetPlanner.Windows windows;
    private final Map<String, Map<Place, Map<BlockFormat, Cost>>> errors = new HashMap<>();
    private final Map<String, Map<Place, Double>> worths = new HashMap<>();
    private final Map<String, Map<Place, Map<BlockFormat, Double>>> tables = new HashMap<>();

    Damages(Checkpoint checkpoint, Resources resources, BudgetPlanner.Windows windows) {
        this.checkpoint = checkpoint;
        this.resources = resources;
        this.windows = windows;
    }

    /** Output errors of all maps in all formats that fit. */
    Map<Place, Map<BlockFormat, Cost>> errors(Solver solver) throws IOException {
        Map<Place, Map<BlockFormat, Cost>> known = errors.get(solver.name());
        if (known == null) {
            known = new CandidateErrors(checkpoint, resources, windows.calibration())
                    .run(CandidateFormats.of(checkpoint), solver);
            errors.put(solver.name(), known);
        }
        return known;
    }

    /**
     * Divergence for each unit of output error, by map.
     *
     * @param probe at which it is measured
     */
    Map<Place, Double> worth(Level probe) throws IOException {
        Map<Place, Double> known = worths.get(probe.toString());
        if (known == null) {
            known = measureWorth(probe, errors(probe.solver()));
            worths.put(probe.toString(), known);
        }
        return known;
    }

    private Map<Place, Double> measureWorth(Level probe, Map<Place, Map<BlockFormat, Cost>> costs) throws IOException {
        List<SensitivityPart> parts = SensitivityPass.parts(checkpoint, true).stream()
                .filter(part -> part.roles().size() == 1)
                .toList();
        SensitivityPass.Result result = new SensitivityPass(
                        checkpoint, resources, windows.sensitivity(), windows.calibration(), probe)
                .run(parts);
        Map<Place, Double> worth = new LinkedHashMap<>();
        for (SensitivityPass.Cost cost : result.costs()) {
            TensorRole role = cost.part().roles().iterator().next();
            Place place = new Place(role, cost.part().layer());
            double error = costs.get(place).get(probe.format()).error();
            double divergence = divergence(cost.alone(), windows.sensitivity());
            worth.put(place, error > 0 ? Math.max(0, divergence) / error : 0);
        }
        return worth;
    }

    /**
     * Divergence of the model with one table alone in a format; not measured for tables that have no choice.
     *
     * @param solver of the output projection
     */
    Map<Place, Map<BlockFormat, Double>> tables(Map<Place, List<BlockFormat>> choices, Solver solver)
            throws IOException {
        Map<Place, Map<BlockFormat, Double>> known = tables.computeIfAbsent(solver.name(), name -> new HashMap<>());
        List<Place> open = choices.keySet().stream()
                .filter(place -> choices.get(place).size() > 1 && !known.containsKey(place))
                .toList();
        if (open.isEmpty()) {
            return known;
        }
        boolean tied = !choices.containsKey(FileLayout.OUTPUT);
        List<Recipe> recipes = new ArrayList<>();
        recipes.add(Recipe.of(checkpoint, FULL_PRECISION));
        for (Place place : open) {
            for (BlockFormat format : choices.get(place)) {
                boolean embedding = place.equals(FileLayout.EMBEDDING);
                recipes.add(Recipe.of(
                                checkpoint,
                                place.role() + " in " + format.name(),
                                FULL_PRECISION,
                                (role, layer) -> FloatFormat.FP32)
                        .withTables(embedding ? format : null, embedding && !tied ? null : format)
                        .solvingTablesBy(solver));
            }
        }
        List<LevelResult> results =
                new Sweep(checkpoint, resources, windows.sensitivity(), windows.calibration(), recipes).run();
        int next = 1;
        for (Place place : open) {
            Map<BlockFormat, Double> damages = new LinkedHashMap<>();
            for (BlockFormat format : choices.get(place)) {
                double divergence = divergence(results.get(next++).scores(), windows.sensitivity());
                damages.put(format, Math.max(0, divergence));
            }
            known.put(place, damages);
        }
        return known;
    }

    /** Mean divergence of a plan's scored tokens, nats per token. */
    static double divergence(TokenScores scores, WindowPlan plan) {
        return MeanDivergence.of(scores.kld(), scores.sameTop1(), plan.scoredRows(0))
                .mean();
    }
}
