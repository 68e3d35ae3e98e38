package org.bitscarp.model.internal.architectures;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;
import org.bitscarp.model.TensorRole;

/** Which roles a model has and where its files hold them. */
public final class TensorLayout {
    private record Entry(Placement placement, IntPredicate layers) {}

    private final List<String> prefixes;
    private final String layerPrefix;
    private final Map<TensorRole, Entry> entries = new EnumMap<>(TensorRole.class);

    /**
     * @param prefixes what names may begin with: that of the language model, then those under which its parts are saved
     *     by themselves
     * @param layerPrefix what names of a layer begin with, after that: {@code layers.{layer}.}
     */
    TensorLayout(List<String> prefixes, String layerPrefix) {
        this.prefixes = List.copyOf(prefixes);
        this.layerPrefix = layerPrefix;
    }

    TensorLayout with(TensorRole role, Placement placement) {
        return with(role, placement, layer -> true);
    }

    TensorLayout with(TensorRole role, Placement placement, IntPredicate layers) {
        entries.put(role, new Entry(placement, layers));
        return this;
    }

    /** Takes a role out of the other layers. */
    void onlyIn(TensorRole role, IntPredicate layers) {
        entries.computeIfPresent(role, (key, entry) -> new Entry(entry.placement, layers));
    }

    TensorLayout plain(TensorRole role, String name) {
        return with(role, new Placement.Plain(name));
    }

    TensorLayout linear(TensorRole role, String module) {
        return with(role, new Placement.Linear(module));
    }

    /** Where a role is; empty for one that the model, or this layer of it, does not have. */
    public Optional<Placement> placement(TensorRole role, int layer) {
        return Optional.ofNullable(entries.get(role))
                .filter(e -> !role.inLayer() || e.layers.test(layer))
                .map(Entry::placement);
    }

    /** Beginnings of names to try, the usual one first. */
    public List<String> prefixes() {
        return prefixes;
    }

    /** A name as it stands in a file; the output projection lies beside the prefixed part of the model. */
    public String name(String prefix, TensorRole role, int layer, Placement placement) {
        String name = role == TensorRole.HEAD
                ? placement.name()
                : prefix + (role.inLayer() ? layerPrefix : "") + placement.name();
        return name.replace("{layer}", Integer.toString(layer));
    }
}
