package org.bitscarp.eval.quantize;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.eval.engine.Allocation;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.export.GgufModel;
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

    /** Linear maps by the tensor of a GGUF file that they are stored in. */
    public static List<List<Place>> tensors(Checkpoint checkpoint) throws IOException {
        return tensors(GgufModel.of(checkpoint));
    }

    static List<List<Place>> tensors(GgufModel model) {
        Map<String, List<Place>> tensors = new LinkedHashMap<>();
        for (GgufModel.Part part : model.parts()) {
            if (part.role().linear()) {
                tensors.computeIfAbsent(part.tensor(), name -> new ArrayList<>())
                        .add(new Place(part.role(), part.layer()));
            }
        }
        return List.copyOf(tensors.values());
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
