package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.weights.MappedFiles;
import org.bitscarp.model.internal.weights.RowOrder;
import org.bitscarp.model.internal.weights.ScaledWeight;
import org.bitscarp.model.internal.weights.StoredWeight;
import org.bitscarp.quant.StoredFormat;

/**
 * Finds the tensors of a model under the names that llama.cpp gives them, and checks their shapes. A linear map may have
 * a scale beside it, {@code NAME.scale}: one number, or one for each expert, by which llama.cpp multiplies its outputs.
 */
final class GgufTensors {
    static final String HEAD = "output.weight";

    /** {@code input_scale} belongs to activations, which are not rounded here. */
    private static final Pattern IN_LAYER = Pattern.compile("blk\\.\\d+\\..*\\.(weight|bias|scale)");

    private final GgufHeader header;
    private final GgufFamily family;
    private final DecoderSpec spec;
    private final MappedFiles files;
    private final FileChannel channel;
    private final Set<String> used = new HashSet<>();

    GgufTensors(GgufHeader header, FileChannel channel, GgufFamily family, DecoderSpec spec, MappedFiles files) {
        this.header = header;
        this.channel = channel;
        this.family = family;
        this.spec = spec;
        this.files = files;
    }

    /** An optional tensor that a layer does not have is null in the array of its role. */
    Map<TensorRole, Weight[]> roles() throws IOException {
        Map<TensorRole, Weight[]> roles = new EnumMap<>(TensorRole.class);
        for (TensorRole role : family.names().keySet()) {
            if (!GgufShapes.asked(spec, role)) {
                continue;
            }
            // The number of layers is untrusted: nothing is made for a layer before its weight is found.
            List<Weight> perLayer = new ArrayList<>();
            for (int layer = 0; layer < (role.inLayer() ? spec.layers() : 1); layer++) {
                perLayer.add(find(role, layer));
            }
            if (perLayer.stream().anyMatch(weight -> weight != null)) {
                roles.put(role, perLayer.toArray(Weight[]::new));
            }
        }
        requireNothingElse();
        return roles;
    }

    /** A tensor in a layer that is not read would change what the model computes; llama.cpp refuses such files, too. */
    private void requireNothingElse() throws ModelException {
        for (String name : header.tensors().keySet()) {
            if (!used.contains(name) && IN_LAYER.matcher(name).matches()) {
                throw new ModelException(
                        header.file() + ": tensor " + name + " has no place in a model of architecture " + family.name()
                                + " with " + spec.layers() + " layers");
            }
        }
    }

    private Weight find(TensorRole role, int layer) throws IOException {
        String name = family.tensor(role, layer).orElseThrow();
        GgufHeader.Tensor tensor = header.tensors().get(name);
        if (tensor == null && family.optional().contains(role)) {
            return null;
        }
        used.add(name);
        List<TensorRole> stack = family.stackedWith(role);
        List<Long> shape = GgufShapes.stored(spec, stack);
        if (tensor == null) {
            throw new ModelException(header.file() + ": tensor " + name + " is missing; the metadata ask for shape "
                    + shape + ", the file holds " + header.tensors().size() + " other tensors");
        }
        if (!tensor.shape().equals(shape)) {
            throw new ModelException(header.file() + ": tensor " + name + " has shape " + tensor.shape()
                    + "; the metadata ask for " + shape);
        }
        StoredFormat format = tensor.type()
                .format()
                .orElseThrow(() -> new ModelException(header.file() + ": tensor " + name + " is of type "
                        + tensor.type() + ", which cannot be read as weights; quantize the model to another type"));
        boolean vector = spec.shape(role).size() < 2;
        if (vector && format.pieceLength() > 1) {
            throw new ModelException(header.file() + ": tensor " + name + " is of type " + tensor.type()
                    + "; expected plain numbers for a vector");
        }
        if (role.perExpert()) {
            // Stacked matrices are rows of one.
            shape = spec.shape(role);
        }
        TensorInfo info = new TensorInfo(name, format, shape, header.file(), tensor.offset());
        return scaled(
                role,
                stack.size() == 1 && !family.reordered(role)
                        ? new StoredWeight(files, info)
                        : new StoredWeight(files, info, spec.shape(role), order(role, stack)));
    }

    private Weight scaled(TensorRole role, Weight weight) throws IOException {
        String name = weight.name().replaceFirst("weight$", "scale");
        GgufHeader.Tensor tensor = header.tensors().get(name);
        if (tensor == null || !weight.name().endsWith(".weight")) {
            return weight;
        }
        used.add(name);
        List<Long> shape = List.of(role.perExpert() ? (long) spec.mlp().experts() : 1L);
        if (tensor.type() != GgufTensorType.F32 || !tensor.shape().equals(shape)) {
            throw new ModelException(header.file() + ": tensor " + name + " is " + tensor.type() + " of shape "
                    + tensor.shape() + "; expected F32 of shape " + shape);
        }
        GgufInput in = new GgufInput(header.file(), channel, tensor.offset(), tensor.offset() + tensor.bytes());
        float[] scales = new float[Math.toIntExact(shape.getFirst())];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = Float.intBitsToFloat(in.i32(name));
        }
        return new ScaledWeight(weight, scales);
    }

    private RowOrder order(TensorRole role, List<TensorRole> stack) {
        RowOrder first = RowOrder.from(GgufShapes.firstRow(spec, stack, role));
        if (!family.reordered(role)) {
            return first;
        }
        RowOrder halves = RowOrder.pairsToHalves(spec.attention().headDim());
        return row -> first.stored(halves.stored(row));
    }

    static TensorInfo info(Path file, GgufHeader.Tensor tensor, StoredFormat format) {
        return new TensorInfo(tensor.name(), format, tensor.shape(), file, tensor.offset());
    }
}
