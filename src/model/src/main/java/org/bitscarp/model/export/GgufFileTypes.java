package org.bitscarp.model.export;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.ggml.GgufMix;

/** {@code general.file_type} of files that none of llama.cpp's mixes describes: {@code llama_ftype} of {@code llama.h}. */
public final class GgufFileTypes {
    private static final int ALL_F32 = 0;
    private static final int MOSTLY_F16 = 1;
    private static final int MOSTLY_BF16 = 32;

    /** Set where the number is a guess, {@code LLAMA_FTYPE_GUESSED}. */
    private static final int GUESSED = 1024;

    private GgufFileTypes() {}

    /** The number of the type that most weights have. */
    public static int of(GgufModel model, GgufTypes types) {
        Map<BlockFormat, Long> weights = new LinkedHashMap<>();
        for (GgufTensorShape tensor : model.tensors()) {
            BlockFormat type = types.types().get(tensor.name());
            if (type != null) {
                weights.merge(type, tensor.shape().stream().reduce(1L, Math::multiplyExact), Long::sum);
            }
        }
        return of(Collections.max(weights.entrySet(), Map.Entry.comparingByValue())
                .getKey());
    }

    /** The number of a type; that of 16-bit floats with the mark of a guess for types that no mix has. */
    public static int of(BlockFormat format) {
        if (format == FloatFormat.FP32) {
            return ALL_F32;
        }
        if (format == FloatFormat.FP16) {
            return MOSTLY_F16;
        }
        if (format == FloatFormat.BF16) {
            return MOSTLY_BF16;
        }
        return GgufMix.ALL.stream()
                .filter(mix -> mix.format().name().equals(format.name()))
                .filter(mix -> mix.namedAsItsFormat()
                        || !mix.word().endsWith("_m") && !mix.word().endsWith("_l"))
                .findFirst()
                .map(GgufMix::fileType)
                .orElse(GUESSED | MOSTLY_F16);
    }
}
