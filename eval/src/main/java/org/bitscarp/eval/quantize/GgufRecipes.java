package org.bitscarp.eval.quantize;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bitscarp.eval.budget.CandidateFormats;
import org.bitscarp.eval.budget.FileLayout;
import org.bitscarp.eval.engine.Allocation;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.export.GgufModel;
import org.bitscarp.model.export.GgufOutput;
import org.bitscarp.model.export.GgufTensorShape;
import org.bitscarp.model.export.GgufTypes;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.ggml.GgufMix;

/** Recipes of GGUF files: what fills a file of given types, and what a sweep has to do to score it. */
public final class GgufRecipes {
    private GgufRecipes() {}

    /**
     * What a sweep scores under a target's name: the matrices of the file that {@code quantize} writes.
     *
     * @param notes takes what a reader should know
     */
    public static Recipe of(Checkpoint checkpoint, QuantizeTarget target, List<String> notes) throws IOException {
        if (target.mix() == null) {
            return Recipe.of(checkpoint, target.level());
        }
        GgufModel model = GgufModel.of(checkpoint);
        GgufTypes types = GgufTypes.of(model, target.rule(model, false));
        Map<BlockFormat, Integer> fallbacks = new LinkedHashMap<>();
        types.fallbacks().values().forEach(wanted -> fallbacks.merge(wanted, 1, Integer::sum));
        fallbacks.forEach((wanted, count) -> notes.add(target + ": rows of " + count
                + " tensors are no whole number of blocks of " + wanted.name()
                + ", so they have the type that llama.cpp falls back to."));
        return of(target.toString(), target.level(), model, types);
    }

    /** All of llama.cpp's mixes with a solver, for comparison. */
    public static List<Recipe> mixes(Checkpoint checkpoint, Solver solver) throws IOException {
        GgufModel model = GgufModel.of(checkpoint);
        List<Recipe> mixes = new ArrayList<>();
        for (GgufMix mix : GgufMix.ALL) {
            QuantizeTarget target = new QuantizeTarget(new Level(mix.format(), solver), mix);
            mixes.add(of(target.toString(), target.level(), model, GgufTypes.of(model, target.rule(model, false))));
        }
        return mixes;
    }

    /**
     * What a budget for a GGUF file has to know of it.
     *
     * @param name of the budget, which stands in the file
     * @param program name and version, which stand there too
     */
    public static FileLayout layout(Checkpoint checkpoint, String name, String program) throws IOException {
        return layout(GgufModel.of(checkpoint), GgufQuantizer.Types.NONE, name, program);
    }

    static FileLayout layout(GgufModel model, GgufQuantizer.Types wanted, String name, String program) {
        // Any format with blocks will do: maps are counted by what they get in the end.
        GgufTypes types = GgufTypes.of(
                model,
                GgufTypes.with(
                        GgufTypes.level(model, Level.parse("q8_0").format()), wanted.embedding(), wanted.output()));
        long rest = GgufOutput.size(model, types, new GgufOutput.Origin(0, name, program));
        List<List<Place>> maps = new ArrayList<>();
        Map<Place, List<BlockFormat>> tables = new LinkedHashMap<>();
        for (GgufTensorShape tensor : model.tensors()) {
            BlockFormat type = types.types().get(tensor.name());
            List<GgufModel.Part> parts = model.parts(tensor.name());
            boolean embedding = tensor.name().equals(GgufTypes.EMBEDDING);
            if (parts.getFirst().role().linear()) {
                maps.add(parts.stream()
                        .map(part -> new Place(part.role(), part.layer()))
                        .toList());
            } else if (embedding || tensor.name().equals(GgufTypes.OUTPUT)) {
                boolean fixed = (embedding ? wanted.embedding() : wanted.output()).isPresent();
                tables.put(
                        embedding ? FileLayout.EMBEDDING : FileLayout.OUTPUT,
                        fixed ? List.of(type) : choices(type, tensor.columns()));
            } else {
                continue;
            }
            rest -= GgufOutput.padded(tensor.bytes(type));
        }
        return new FileLayout(maps, tables, rest);
    }

    /** A table's own type, and what is smaller. */
    private static List<BlockFormat> choices(BlockFormat own, int columns) {
        return Stream.concat(
                        Stream.of(own),
                        CandidateFormats.of(columns).stream()
                                .filter(format -> format.rowBytes(columns) < own.rowBytes(columns)))
                .toList();
    }

    /** @param types of all matrices of the file */
    static Recipe of(String name, Level level, GgufModel model, GgufTypes types) {
        Map<Place, BlockFormat> formats = new HashMap<>();
        for (GgufModel.Part part : model.parts()) {
            if (part.role().linear()) {
                formats.put(new Place(part.role(), part.layer()), types.types().get(part.tensor()));
            }
        }
        Allocation maps = (role, layer) -> formats.get(new Place(role, layer));
        return new Recipe(name, Recipe.format(model.source(), maps), level, maps, types.embedding(), types.output());
    }
}
