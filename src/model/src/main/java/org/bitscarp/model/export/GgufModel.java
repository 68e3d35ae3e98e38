package org.bitscarp.model.export;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.gguf.GgufFamilies;
import org.bitscarp.model.internal.gguf.GgufFamily;
import org.bitscarp.model.internal.gguf.GgufFamily.Trait;
import org.bitscarp.model.internal.gguf.GgufKeys;
import org.bitscarp.model.internal.gguf.GgufShapes;
import org.bitscarp.model.internal.gguf.GgufSpecKeys;
import org.bitscarp.model.internal.gguf.GgufTokenizerKeys;

/**
 * A checkpoint as a GGUF file will hold it, before any type is chosen: metadata, names and shapes of tensors, and which
 * weights go into which of their rows. Reads headers and the tokenizer, no weights.
 */
public final class GgufModel {
    /**
     * A weight that becomes rows of a tensor.
     *
     * @param tensor name in the file
     * @param weight in the row order of a {@link DecoderSpec}; experts stacked
     * @param firstRow where its rows begin in the tensor, experts' rows counted through
     */
    public record Part(String tensor, TensorRole role, int layer, Weight weight, long firstRow) {}

    /** A tensor and the weights that it is made of, from top to bottom. */
    record Entry(GgufTensorShape shape, List<Part> parts) {}

    private final Checkpoint source;
    private final GgufFamily family;
    private final GgufKeys keys = new GgufKeys();
    private final Map<String, float[]> constants;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();

    private GgufModel(Checkpoint source, GgufFamily family) throws IOException {
        this.source = source;
        this.family = family;
        String path = source.path().toString();
        keys.string("general.architecture", family.name());
        keys.string("general.type", "model");
        keys.string("general.name", name());
        GgufSpecKeys.Rest rest = GgufSpecKeys.put(path, source.spec(), family, keys);
        constants = new LinkedHashMap<>(rest.tensors());
        notes.addAll(rest.notes());
        collect();
        notes.addAll(GgufTokenizerKeys.put(source, keys));
    }

    /**
     * The file that a checkpoint comes to.
     *
     * @throws ModelException for an architecture, a setting of it, a weight or a tokenizer that llama.cpp has no place for
     */
    public static GgufModel of(Checkpoint source) throws IOException {
        String architecture = source.spec().architecture();
        GgufFamily family = GgufFamilies.of(architecture)
                .orElseThrow(() -> new ModelException(source.path() + ": llama.cpp has no architecture for "
                        + architecture + "; a GGUF file can hold "
                        + GgufFamilies.ALL.stream()
                                .flatMap(f -> f.aliases().stream())
                                .collect(Collectors.joining(", "))));
        return new GgufModel(source, family);
    }

    private String name() {
        String file = source.path().toAbsolutePath().normalize().getFileName().toString();
        return file.replaceFirst("\\.(gguf|bin)$", "");
    }

    private void collect() throws ModelException {
        DecoderSpec spec = source.spec();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; layer < (role.inLayer() ? spec.layers() : 1); layer++) {
                Optional<Weight> weight = source.weight(role, layer);
                if (weight.isPresent()) {
                    add(role, role, layer, weight.get());
                }
            }
        }
        if (family.has(Trait.OWN_HEAD) && spec.tiedHead()) {
            add(
                    TensorRole.HEAD,
                    TensorRole.EMBEDDING,
                    0,
                    source.weight(TensorRole.EMBEDDING, 0).orElseThrow());
        }
        for (TensorRole role : family.names().keySet()) {
            if (!family.optional().contains(role) && GgufShapes.asked(spec, role)) {
                for (int layer = 0; layer < (role.inLayer() ? spec.layers() : 1); layer++) {
                    require(role, layer);
                }
            }
        }
    }

    /** llama.cpp asks for what a model may do without: biases, which are then zero. All else must be there. */
    private void require(TensorRole role, int layer) throws ModelException {
        String tensor = family.tensor(role, layer).orElseThrow();
        Entry entry = entries.get(tensor);
        boolean there = entry != null && entry.parts.stream().anyMatch(part -> part.role() == role);
        if (there) {
            return;
        }
        List<Long> shape = GgufShapes.stored(source.spec(), family.stackedWith(role));
        if (shape.size() > 1 || !tensor.endsWith(".bias") || entry != null) {
            throw new ModelException(source.path() + ": layer " + layer + " has no " + role
                    + ", which llama.cpp's architecture " + family.name() + " needs (" + tensor + ")");
        }
        constants.put(tensor, new float[Math.toIntExact(shape.getFirst())]);
    }

    private void add(TensorRole place, TensorRole role, int layer, Weight weight) throws ModelException {
        DecoderSpec spec = source.spec();
        String tensor = family.tensor(place, layer)
                .orElseThrow(() -> new ModelException(source.path() + ": " + weight.name() + " (" + role
                        + ") has no place in llama.cpp's architecture " + family.name()));
        List<TensorRole> stack = family.stackedWith(place);
        Entry entry = entries.computeIfAbsent(
                tensor,
                name -> new Entry(new GgufTensorShape(name, GgufShapes.stored(spec, stack)), new ArrayList<>()));
        entry.parts.add(new Part(tensor, role, layer, weight, GgufShapes.firstRow(spec, stack, place)));
    }

    /** Names and shapes of all tensors that hold weights. */
    public List<GgufTensorShape> tensors() {
        return entries.values().stream().map(Entry::shape).toList();
    }

    /** The weights that a tensor is made of, from top to bottom. */
    public List<Part> parts(String tensor) {
        return List.copyOf(entries.get(tensor).parts);
    }

    /** All weights, tensor by tensor. */
    public List<Part> parts() {
        return entries.values().stream().flatMap(entry -> entry.parts.stream()).toList();
    }

    /** What the rules of llama.cpp's mixes want to know. */
    public GgufMixRules.Model facts() {
        DecoderSpec spec = source.spec();
        return new GgufMixRules.Model(
                family.name(),
                spec.layers(),
                spec.attention().heads(),
                spec.attention().kvHeads(),
                spec.mlp().experts());
    }

    /** What llama.cpp computes differently from the model. */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    /** Where the model comes from. */
    public Checkpoint source() {
        return source;
    }

    GgufFamily family() {
        return family;
    }

    GgufKeys keys() {
        return keys;
    }

    Map<String, float[]> constants() {
        return constants;
    }
}
