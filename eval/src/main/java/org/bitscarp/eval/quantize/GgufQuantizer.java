package org.bitscarp.eval.quantize;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.eval.budget.Budget;
import org.bitscarp.eval.budget.BudgetPlan;
import org.bitscarp.eval.budget.BudgetPlanner;
import org.bitscarp.eval.budget.FileLayout;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.eval.engine.FoldedCheckpoint;
import org.bitscarp.eval.engine.GivenImportance;
import org.bitscarp.eval.engine.QuantizePass;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.eval.engine.Resources;
import org.bitscarp.eval.engine.SeenImportance;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.export.GgufFileTypes;
import org.bitscarp.model.export.GgufModel;
import org.bitscarp.model.export.GgufOutput;
import org.bitscarp.model.export.GgufTensorShape;
import org.bitscarp.model.export.GgufTypes;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.PackedMatrix;

/** Quantizes a model into a GGUF file. */
public final class GgufQuantizer {
    /**
     * Types that differ from the target's.
     *
     * @param pure whether all matrices get the target's own type, whatever its rules
     * @param embedding of the token embedding, if it is to differ
     * @param output of the output projection, if it is to differ
     */
    public record Types(boolean pure, Optional<BlockFormat> embedding, Optional<BlockFormat> output) {
        static final Types NONE = new Types(false, Optional.empty(), Optional.empty());
    }

    /**
     * Where what is not the target goes.
     *
     * @param calibration windows for solvers that use calibration, or null
     * @param given importances of a file, for solvers that need no more
     * @param seen takes the importances that the calibration finds, or null
     * @param program name and version, for the file
     */
    public record Means(
            WindowPlan calibration, GivenImportance given, SeenImportance seen, Resources resources, String program) {}

    private final Means means;

    public GgufQuantizer(Means means) {
        this.means = means;
    }

    /**
     * Writes the file; it appears when it is complete.
     *
     * @param replace whether a file of that name may be replaced
     * @throws IllegalArgumentException for a format that GGUF files do not have
     */
    public QuantizeSummary run(Checkpoint checkpoint, QuantizeTarget target, Types wanted, Path file, boolean replace)
            throws IOException {
        long started = System.nanoTime();
        requireGguf(target.level().format());
        wanted.embedding().ifPresent(GgufQuantizer::requireGguf);
        wanted.output().ifPresent(GgufQuantizer::requireGguf);
        FoldedCheckpoint folded = FoldedCheckpoint.of(checkpoint, target.level());
        GgufModel model = GgufModel.of(folded);
        GgufTypes types = GgufTypes.of(
                model, GgufTypes.with(target.rule(model, wanted.pure()), wanted.embedding(), wanted.output()));
        Recipe recipe = GgufRecipes.of(target.toString(), target.level(), model, types);
        return write(folded, model, recipe, target.fileType(), types, file, replace, started);
    }

    /**
     * Writes a file that keeps within a budget. Where only linear maps are limited, embedding and output projection stay
     * in their own type, at most 16 bits. Types that {@code wanted} names are not chosen.
     *
     * @param windows whose calibration windows are those of {@link Means}
     */
    public QuantizeSummary run(
            Checkpoint checkpoint,
            Budget budget,
            BudgetPlanner.Windows windows,
            Types wanted,
            Path file,
            boolean replace)
            throws IOException {
        long started = System.nanoTime();
        GgufModel model = GgufModel.of(checkpoint);
        BudgetPlan plan = new BudgetPlanner(checkpoint, means.resources, windows)
                .plan(
                        budget,
                        GgufRecipes.layout(model, wanted, budget.toString(), means.program),
                        GgufRecipes.mixes(checkpoint, budget.solver()));
        GgufTypes types = GgufTypes.of(
                model,
                tensor -> plan.formats()
                        .get(
                                switch (tensor.name()) {
                                    case GgufTypes.EMBEDDING -> FileLayout.EMBEDDING;
                                    case GgufTypes.OUTPUT -> FileLayout.OUTPUT;
                                    default -> {
                                        GgufModel.Part part =
                                                model.parts(tensor.name()).getFirst();
                                        yield new Place(part.role(), part.layer());
                                    }
                                }));
        Recipe recipe = GgufRecipes.of(budget.toString(), plan.base(), model, types);
        int fileType = GgufFileTypes.of(model, types);
        return write(
                        FoldedCheckpoint.of(checkpoint, plan.base()),
                        model,
                        recipe,
                        fileType,
                        types,
                        file,
                        replace,
                        started)
                .with(plan.notes());
    }

    private QuantizeSummary write(
            FoldedCheckpoint folded,
            GgufModel model,
            Recipe recipe,
            int fileType,
            GgufTypes types,
            Path file,
            boolean replace,
            long started)
            throws IOException {
        Map<TensorRole, Map<Integer, List<GgufModel.Part>>> parts = new EnumMap<>(TensorRole.class);
        for (GgufModel.Part part : model.parts()) {
            parts.computeIfAbsent(part.role(), role -> new HashMap<>())
                    .computeIfAbsent(part.layer(), layer -> new ArrayList<>())
                    .add(part);
        }
        QuantizePass pass = new QuantizePass(folded.plain(), means.resources, recipe, means.calibration)
                .importances(means.given, means.seen);
        GgufOutput.Origin origin = new GgufOutput.Origin(fileType, recipe.name(), means.program);
        try (GgufOutput output = new GgufOutput(model, types, origin, file, replace)) {
            pass.linearMaps(packed -> {
                folded.carry(packed.layer(), packed.role(), packed.change());
                PackedMatrix matrix = packed.matrix();
                for (GgufModel.Part part : parts.get(packed.role()).get(packed.layer())) {
                    output.write(part, (long) packed.expert() * matrix.rows(), matrix.rows(), matrix.bytes());
                }
            });
            for (GgufModel.Part part : model.parts()) {
                if (!part.role().linear() && types.types().containsKey(part.tensor())) {
                    pass.table(
                            part.weight(),
                            part.tensor().equals(GgufTypes.OUTPUT) ? TensorRole.HEAD : part.role(),
                            types.types().get(part.tensor()),
                            (first, rows) -> output.write(part, first, rows.rows(), rows.bytes()));
                }
            }
            output.finish();
            return summary(model, recipe.name(), types, pass, output.size(), file, started);
        }
    }

    private static QuantizeSummary summary(
            GgufModel model,
            String target,
            GgufTypes types,
            QuantizePass pass,
            long fileBytes,
            Path file,
            long started) {
        QuantizeSummary.Builder summary = new QuantizeSummary.Builder();
        for (GgufTensorShape tensor : model.tensors()) {
            BlockFormat format = types.types().getOrDefault(tensor.name(), FloatFormat.FP32);
            long weights = tensor.shape().stream().reduce(1L, Math::multiplyExact);
            summary.add(format.name(), weights, tensor.bytes(format));
        }
        types.fallbacks()
                .forEach((tensor, wanted) -> summary.fallback(
                        tensor, wanted.name(), types.types().get(tensor).name()));
        model.notes().forEach(summary::note);
        return summary.build(file, target, fileBytes, pass.stats(), (System.nanoTime() - started) / 1e9);
    }

    private static void requireGguf(BlockFormat format) {
        if (!GgufTypes.has(format)) {
            throw new IllegalArgumentException("a GGUF file has no type for " + format.name()
                    + "; use fp32, fp16, bf16 or one of GGUF's types (q4_k, ...), or write a GPTQ folder"
                    + " (--out without .gguf)");
        }
    }
}
