package org.bitscarp.quant;

import java.util.List;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.bitscarp.quant.ggml.GgmlTypes;

/** Reads the block types of GGUF files by their names: {@code q4_0}, {@code q4_k}, {@code iq4_nl}, {@code mxfp4}, … */
final class GgmlFamily implements FormatFamily {
    @Override
    public List<String> words() {
        return GgmlTypes.ALL.stream()
                .filter(GgmlFormat::writable)
                .map(GgmlFormat::name)
                .toList();
    }

    @Override
    public BlockFormat read(String word, Modifiers modifiers) {
        GgmlFormat format = GgmlTypes.byName(word).orElse(null);
        if (format != null && !format.writable()) {
            throw new LevelException("\"" + word + "\" can be read from GGUF files but not written, so it is no level;"
                    + " small levels that are: q2_k, q3_k, tq2_0");
        }
        return format;
    }
}
