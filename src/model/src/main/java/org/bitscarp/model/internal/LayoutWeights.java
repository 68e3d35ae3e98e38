package org.bitscarp.model.internal;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.architectures.Architecture;
import org.bitscarp.model.internal.architectures.Placement;
import org.bitscarp.model.internal.architectures.TensorLayout;
import org.bitscarp.model.internal.weights.MappedFiles;
import org.bitscarp.model.internal.weights.RowOrder;
import org.bitscarp.model.internal.weights.SelectedRows;
import org.bitscarp.model.internal.weights.ShiftedWeight;
import org.bitscarp.model.internal.weights.StackedWeight;
import org.bitscarp.model.internal.weights.StoredWeight;
import org.bitscarp.model.internal.weights.TransposedWeight;

/** Finds a model's weights where its {@link TensorLayout} says, and checks their shapes. */
final class LayoutWeights {
    private static final String PLAIN = ".weight";

    private final Path configFile;
    private final DecoderSpec spec;
    private final TensorLayout layout;
    private final SafetensorsFiles tensors;
    private final MappedFiles files;
    private final LinearSource linears;
    private final String prefix;

    /** @param linears where linear maps come from; everything else is plain numbers */
    LayoutWeights(
            Path configFile,
            Architecture.Model model,
            SafetensorsFiles tensors,
            MappedFiles files,
            LinearSource linears) {
        this.configFile = configFile;
        this.spec = model.spec();
        this.layout = model.layout();
        this.tensors = tensors;
        this.files = files;
        this.linears = linears;
        this.prefix = prefix();
    }

    /** The first prefix under which there is an embedding. */
    private String prefix() {
        Placement embedding = layout.placement(TensorRole.EMBEDDING, 0).orElseThrow();
        return layout.prefixes().stream()
                .filter(p -> tensors.find(layout.name(p, TensorRole.EMBEDDING, 0, embedding))
                        .isPresent())
                .findFirst()
                .orElse(layout.prefixes().getFirst());
    }

    /** One weight per layer; no key for an absent role, null for a layer without it. */
    Map<TensorRole, Weight[]> roles() throws ModelException {
        Map<TensorRole, Weight[]> roles = new EnumMap<>(TensorRole.class);
        for (TensorRole role : TensorRole.values()) {
            if (role == TensorRole.HEAD && spec.tiedHead()) {
                continue;
            }
            // The number of layers is untrusted: nothing is made for a layer before its weight is found.
            List<Weight> perLayer = new ArrayList<>();
            for (int layer = 0; layer < (role.inLayer() ? spec.layers() : 1); layer++) {
                Optional<Placement> placement = layout.placement(role, layer);
                perLayer.add(placement.isEmpty() ? null : weight(role, layer, placement.get()));
            }
            if (perLayer.stream().anyMatch(w -> w != null)) {
                roles.put(role, perLayer.toArray(Weight[]::new));
            }
        }
        return roles;
    }

    private Weight weight(TensorRole role, int layer, Placement placement) throws ModelException {
        List<Long> shape = spec.shape(role);
        String name = layout.name(prefix, role, layer, placement);
        return switch (placement) {
            case Placement.Plain plain -> new StoredWeight(files, plain(role, name, shape));
            case Placement.Gain gain -> new ShiftedWeight(new StoredWeight(files, plain(role, name, shape)), 1);
            case Placement.Rows rows ->
                new StoredWeight(files, plain(role, name, withFirst(shape, rows.stored())), shape, rows.order());
            case Placement.Linear linear -> linear(role, name, shape);
            case Placement.LinearRows rows ->
                rows(linear(role, name, withFirst(shape, rows.stored())), shape, rows.order());
            case Placement.Columns columns -> columns(role, name, shape, columns);
            case Placement.Experts experts -> {
                List<Weight> parts = new ArrayList<>();
                List<Long> part = withFirst(shape, shape.getFirst() / spec.mlp().experts());
                for (int expert = 0; expert < spec.mlp().experts(); expert++) {
                    parts.add(linear(role, name.replace("{expert}", Integer.toString(expert)), part));
                }
                yield new StackedWeight(parts);
            }
        };
    }

    private static List<Long> withFirst(List<Long> shape, long first) {
        List<Long> changed = new ArrayList<>(shape);
        changed.set(0, first);
        return changed;
    }

    private Weight rows(Weight stored, List<Long> shape, RowOrder order) {
        Optional<TensorInfo> tensor = stored.tensor();
        return tensor.isPresent()
                ? new StoredWeight(files, tensor.get(), shape, order)
                : new SelectedRows(stored, shape.getFirst(), order);
    }

    private Weight columns(TensorRole role, String module, List<Long> shape, Placement.Columns columns)
            throws ModelException {
        if (tensors.find(module + PLAIN).isEmpty() && linears.has(module)) {
            Weight whole = linear(role, module, withFirst(shape, columns.stored()));
            return rows(whole, shape, RowOrder.from(columns.first()));
        }
        TensorInfo stored = plain(role, module + PLAIN, List.of(shape.getLast(), columns.stored()));
        return new TransposedWeight(files, stored, columns.first(), shape.getFirst());
    }

    private Weight linear(TensorRole role, String module, List<Long> shape) throws ModelException {
        if (!linears.has(module)) {
            throw missing(role, module + PLAIN, shape);
        }
        return linears.linear(module, shape.getFirst(), shape.getLast());
    }

    private TensorInfo plain(TensorRole role, String name, List<Long> shape) throws ModelException {
        Optional<SafetensorsFiles.Located> found = tensors.find(name);
        if (found.isEmpty() && role == TensorRole.EMBEDDING && spec.tiedHead()) {
            // Tied weights are one tensor: a file may hold it under either name.
            Placement head = layout.placement(TensorRole.HEAD, 0).orElseThrow();
            found = tensors.find(layout.name(prefix, TensorRole.HEAD, 0, head) + PLAIN);
        }
        SafetensorsFiles.Located located = found.orElseThrow(() -> missing(role, name, shape));
        if (!located.entry().shape().equals(shape)) {
            throw new ModelException(located + " has shape " + located.entry().shape() + "; " + configFile.getFileName()
                    + " asks for " + shape);
        }
        return located.numbers();
    }

    private ModelException missing(TensorRole role, String name, List<Long> shape) {
        return new ModelException(configFile.resolveSibling("") + ": tensor " + name + " is missing; "
                + configFile.getFileName() + " asks for shape " + shape + ", the safetensors files hold "
                + tensors.size() + " other tensors"
                + (role == TensorRole.HEAD ? " (and tie_word_embeddings is false)" : ""));
    }
}
