package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.LinearSource;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;

/**
 * Modules as AutoGPTQ and GPTQModel pack them, of 2, 3, 4 or 8 bits:
 *
 * <ul>
 *   <li>{@code qweight} I32 {@code [in·bits/32, out]}, {@link StreamedColumns};
 *   <li>{@code scales} F16, BF16 or F32 {@code [groups, out]};
 *   <li>{@code qzeros} I32 {@code [groups, out·bits/32]}, {@link Zeros#streams};
 *   <li>{@code g_idx} I32 {@code [in]}, optional: the group of each input.
 * </ul>
 *
 * <p><b>Versions.</b> Version 1 stores a zero point less 1, version 2 the zero point; files exist that say one and hold
 * the other. A symmetric grid's zero points are all 2^(bits−1), which settles it: where {@code sym} is true or not given
 * and the first group of a module stores one and the same value, 2^(bits−1) − 1 means version 1 and 2^(bits−1) version
 * 2, whatever the configuration says. Any other module has the version that {@code checkpoint_format} names, version 1
 * without it: zero points of an asymmetric grid look alike in both. {@link Weight#formatName} tells the version taken,
 * and the declared one where it differs.
 *
 * <p>A zero point of 0 is stored as 2^bits − 1 in version 1 and read back as 0. Programs differ there: some kernels add
 * 1 to whole words, which carries into the next zero point. Version 2 has no such case.
 *
 * <p>Width and group size of a module follow from its shapes and must be those of the configuration, unless that has
 * {@code dynamic} overrides for some modules.
 */
final class GptqLinears extends PackedLinears {
    private final GptqSettings settings;

    GptqLinears(GptqSettings settings, SafetensorsFiles tensors, MappedFiles files, LinearSource plain) {
        super(tensors, files, plain);
        this.settings = settings;
    }

    @Override
    boolean packed(String module) {
        return find(module + ".qweight").isPresent();
    }

    @Override
    Weight open(String module, long out, int in) throws IOException {
        Part qweight = find(module + ".qweight").orElseThrow();
        Part scales = beside(qweight, module + ".scales");
        Part qzeros = beside(qweight, module + ".qzeros");
        Optional<Part> order = find(module + ".g_idx");
        int bits = bits(qweight, in);
        int words = Math.toIntExact(BitWords.streamWords(in, bits));
        qweight.checked(List.of((long) words, out), bits + " bits, " + out + " × " + in, SafetensorsType.I32);
        ColumnGroups groups = groups(scales, in);
        String why = groups.count() + " groups, " + out + " outputs";
        scales.checked(
                List.of((long) groups.count(), out),
                why,
                SafetensorsType.F16,
                SafetensorsType.BF16,
                SafetensorsType.F32);
        int zeroWords = Math.toIntExact(BitWords.streamWords(out, bits));
        qzeros.checked(List.of((long) groups.count(), (long) zeroWords), why, SafetensorsType.I32);
        if (order.isPresent()) {
            groups = groups.by(ColumnGroups.checkOrder(order.get(), in), false);
        }
        GptqVersion version = GptqVersion.of(settings, qzeros, bits, zeroWords, out);
        boolean contradicts = settings.version() != 0 && settings.version() != version.number();
        String format = "int" + bits + ":" + groupName(groups.size(), in) + (version.symmetric() ? ":sym" : "")
                + " gptq v" + version.number() + (contradicts ? " (declared v" + settings.version() + ")" : "");
        return new AffineWeight(
                module + ".weight",
                out,
                in,
                format,
                qweight.byteSize() + scales.byteSize() + qzeros.byteSize() + groups.byteSize(),
                new StreamedColumns(qweight, bits, in, words, out),
                Scales.byGroup(scales, groups.count(), out),
                Zeros.streams(qzeros, bits, groups.count(), zeroWords, version.added()),
                groups);
    }

    private int bits(Part qweight, int in) throws ModelException {
        List<Long> shape = qweight.shape();
        if (settings.dynamic() && shape.size() == 2) {
            for (int bits : GptqSettings.WIDTHS) {
                if (BitWords.streamWords(in, bits) == shape.getFirst()) {
                    return bits;
                }
            }
        }
        return settings.bits();
    }

    private ColumnGroups groups(Part scales, int in) {
        ColumnGroups declared = ColumnGroups.runs(in, settings.groupSize() == -1 ? in : settings.groupSize());
        if (settings.dynamic() && scales.shape().size() == 2) {
            long found = scales.shape().getFirst();
            if (found != declared.count() && found > 0 && in % found == 0) {
                return ColumnGroups.runs(in, (int) (in / found));
            }
        }
        return declared;
    }
}
