package org.bitscarp.cuda.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.bitscarp.quant.ggml.GgmlTypes;

/** What the kernels are there for, by storage format: for people who ask before a sweep. */
public final class DeviceSupport {
    private static final List<String> WORDS =
            List.of("fp32", "fp16", "bf16", "int2", "int3", "int4", "int5", "int6", "int7", "int8", "nf4", "ternary");

    private DeviceSupport() {}

    /** Every storage format, integers in their default groups. */
    public static List<BlockFormat> formats() {
        List<BlockFormat> formats = new ArrayList<>();
        WORDS.forEach(word -> formats.add(Level.parse(word).format()));
        formats.addAll(GgmlTypes.ALL);
        return formats;
    }

    /** A number of columns that the format's rows may have. */
    static int columns(BlockFormat format) {
        return format instanceof GgmlFormat ggml ? ggml.blockLength() : 256;
    }

    /** Words of the formats that a device quantizes with a solver, to the bytes of the CPU; the host does the rest. */
    public static List<String> quantized(Solver solver) {
        return words(format -> CudaQuantizer.hasKernel(solver, format, columns(format)));
    }

    /** Words of the formats that few rows are multiplied with as they are packed. */
    public static List<String> packed() {
        return words(format -> PackedFormat.of(format, columns(format))
                .filter(PackedFormat::vectors)
                .isPresent());
    }

    private static List<String> words(Predicate<BlockFormat> supported) {
        return formats().stream()
                .filter(supported)
                .map(format ->
                        PackedFormat.of(format, columns(format)).orElseThrow().word())
                .toList();
    }
}
