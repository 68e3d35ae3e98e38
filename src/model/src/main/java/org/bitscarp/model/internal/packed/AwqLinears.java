package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.LinearSource;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;

/**
 * Modules as AutoAWQ packs them for its {@code gemm} kernel: {@code qweight} I32 {@code [in, out/8]} and {@code qzeros}
 * I32 {@code [groups, out/8]}, both {@link InterleavedRows interleaved}; {@code scales} {@code [groups, out]}. Zero points
 * are stored as they are. Inputs were divided by AWQ's scales when the file was made: nothing is left to do.
 */
final class AwqLinears extends PackedLinears {
    private final int groupSize;

    private AwqLinears(int groupSize, SafetensorsFiles tensors, MappedFiles files, LinearSource plain) {
        super(tensors, files, plain);
        this.groupSize = groupSize;
    }

    /** @param fields with AutoAWQ's own names of keys or with those of transformers */
    static AwqLinears of(ConfigFields fields, SafetensorsFiles tensors, MappedFiles files, LinearSource plain)
            throws ModelException {
        String width = fields.has("w_bit") ? "w_bit" : "bits";
        if (fields.intOr(width, 4, 32) != 4) {
            throw fields.wrong(width, "4");
        }
        for (String key : List.of("version", "format", "checkpoint_format")) {
            if (!fields.string(key).orElse("gemm").toLowerCase(Locale.ROOT).equals("gemm")) {
                throw fields.wrong(key, "gemm; other layouts of AWQ are not supported");
            }
        }
        GroupedFields.refuse(fields, "rotation", "a rotated model");
        String size = fields.has("q_group_size") ? "q_group_size" : "group_size";
        return new AwqLinears(GroupedFields.groupSize(fields, size), tensors, files, plain);
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
        if (out % InterleavedRows.PER_WORD != 0) {
            throw qweight.wrong("cannot hold " + out + " outputs; expected a multiple of 8");
        }
        long words = out / InterleavedRows.PER_WORD;
        qweight.checked(List.of((long) in, words), "4 bits, " + out + " × " + in, SafetensorsType.I32);
        ColumnGroups groups = ColumnGroups.runs(in, groupSize == -1 ? in : groupSize);
        String why = groups.count() + " groups, " + out + " outputs";
        scales.checked(
                List.of((long) groups.count(), out),
                why,
                SafetensorsType.F16,
                SafetensorsType.BF16,
                SafetensorsType.F32);
        qzeros.checked(List.of((long) groups.count(), words), why, SafetensorsType.I32);
        return new AffineWeight(
                module + ".weight",
                out,
                in,
                "int4:" + groupName(groups.size(), in) + " awq",
                qweight.byteSize() + scales.byteSize() + qzeros.byteSize(),
                new InterleavedRows(qweight, in, out),
                Scales.byGroup(scales, groups.count(), out),
                Zeros.interleaved(qzeros, groups.count(), Math.toIntExact(words)),
                groups);
    }
}
