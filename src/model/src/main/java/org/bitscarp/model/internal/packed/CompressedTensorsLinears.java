package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.LinearSource;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;

/**
 * Modules as compressed-tensors (llm-compressor) packs them in its format {@code pack-quantized}:
 *
 * <ul>
 *   <li>{@code weight_packed} I32 {@code [out, ⌈in / ⌊32/bits⌋⌉]}, {@link WordRows}; codes are stored with 2^(bits−1) added;
 *   <li>{@code weight_scale} F16, BF16 or F32: {@code [out, groups]}, {@code [out, 1]}, or one for the tensor;
 *   <li>{@code weight_zero_point} where the grid is asymmetric, {@link Zeros#stackedWords};
 *   <li>{@code weight_shape}: out and in; {@code weight_g_idx} I32 {@code [in]}, optional: the group of each input.
 * </ul>
 *
 * <p>Which of several {@code config_groups} a module belongs to follows from its shapes.
 */
final class CompressedTensorsLinears extends PackedLinears {
    private final List<CompressedScheme> schemes;

    CompressedTensorsLinears(ConfigFields fields, SafetensorsFiles tensors, MappedFiles files, LinearSource plain)
            throws ModelException {
        super(tensors, files, plain);
        this.schemes = CompressedScheme.read(fields);
    }

    @Override
    boolean packed(String module) {
        return find(module + ".weight_packed").isPresent();
    }

    @Override
    Weight plain(String module, long out, long in) throws ModelException {
        Optional<Part> scale = find(module + ".weight_scale");
        if (scale.isPresent()) {
            throw scale.get().wrong("scales a weight that is not packed; only pack-quantized modules are supported");
        }
        return super.plain(module, out, in);
    }

    @Override
    Weight open(String module, long out, int in) throws IOException {
        Part packed = find(module + ".weight_packed").orElseThrow();
        Part scale = beside(packed, module + ".weight_scale")
                .typed(SafetensorsType.F16, SafetensorsType.BF16, SafetensorsType.F32);
        Part shape = beside(packed, module + ".weight_shape")
                .checked(List.of(2L), "out and in", SafetensorsType.I64, SafetensorsType.I32);
        int[] sides = shape.integers();
        if (sides[0] != out || sides[1] != in) {
            throw shape.wrong("says " + sides[0] + " × " + sides[1] + "; config.json asks for " + out + " × " + in);
        }
        Optional<Part> zero = find(module + ".weight_zero_point");
        Optional<Part> order = find(module + ".weight_g_idx");
        CompressedScheme scheme = scheme(packed, scale, zero, out, in);
        int words = Math.ceilDiv(in, scheme.perWord());
        packed.checked(List.of(out, (long) words), scheme.bits() + " bits, " + out + " × " + in, SafetensorsType.I32);
        ColumnGroups groups =
                ColumnGroups.runs(in, scheme.strategy() == CompressedScheme.Strategy.GROUP ? scheme.groupSize() : in);
        long bytes = packed.byteSize() + scale.byteSize() + shape.byteSize();
        if (order.isPresent()) {
            groups = groups.by(ColumnGroups.checkOrder(order.get(), in), true);
            bytes += order.get().byteSize();
        }
        if (!scheme.symmetric()) {
            bytes += zero.orElseThrow().byteSize();
        }
        return new AffineWeight(
                module + ".weight",
                out,
                in,
                scheme.name() + " compressed-tensors",
                bytes,
                new WordRows(packed, scheme.bits(), in, words),
                scheme.strategy() == CompressedScheme.Strategy.TENSOR
                        ? Scales.single(scale)
                        : Scales.byRow(scale, groups.count()),
                zeros(scheme, zero, groups.count(), out),
                groups);
    }

    private static Zeros zeros(CompressedScheme scheme, Optional<Part> zero, int groups, long out)
            throws ModelException {
        if (scheme.symmetric()) {
            return Zeros.constant(1 << scheme.bits() - 1, groups);
        }
        if (scheme.strategy() == CompressedScheme.Strategy.TENSOR) {
            throw zero.orElseThrow().wrong("is one zero point for the tensor; expected one for each row or group");
        }
        long words = Math.ceilDiv(out, (long) scheme.perWord());
        Part part = zero.orElseThrow()
                .checked(
                        List.of(words, (long) groups),
                        scheme.bits() + " bits, " + out + " outputs, " + groups + " groups",
                        SafetensorsType.I32);
        return Zeros.stackedWords(part, scheme.bits(), groups);
    }

    private CompressedScheme scheme(Part packed, Part scale, Optional<Part> zero, long out, int in)
            throws ModelException {
        for (CompressedScheme scheme : schemes) {
            boolean fits = packed.shape().equals(List.of(out, (long) Math.ceilDiv(in, scheme.perWord())))
                    && (scheme.symmetric() || zero.isPresent())
                    && (!scheme.symmetric() || zero.isEmpty())
                    && switch (scheme.strategy()) {
                        case TENSOR -> scale.byteSize() == scale.type().bits() / 8;
                        case CHANNEL -> scale.shape().equals(List.of(out, 1L));
                        case GROUP -> scale.shape().equals(List.of(out, (long) Math.ceilDiv(in, scheme.groupSize())));
                    };
            if (fits) {
                return scheme;
            }
        }
        throw packed.wrong("has shape " + packed.shape() + ", scales " + scale.shape()
                + (zero.isPresent() ? " and zero points" : "") + "; for " + out + " × " + in
                + " that is none of what config.json says: "
                + schemes.stream().map(CompressedScheme::name).collect(Collectors.joining(", ")));
    }
}
