package org.bitscarp.eval.quantize;

import java.util.Optional;
import org.bitscarp.model.export.GgufFileTypes;
import org.bitscarp.model.export.GgufModel;
import org.bitscarp.model.export.GgufTypes;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.LevelException;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.ggml.GgufMix;

/**
 * What a model is quantized to: a level, or one of llama.cpp's mixes with a solver. Where a word is both, like {@code
 * q2_k}, the level is meant, which is what a sweep scores under that word; {@code llama.cpp:q2_k} means the mix.
 *
 * @param level format and solver; of a mix, the block type that most tensors get
 * @param mix null for a level
 */
public record QuantizeTarget(Level level, GgufMix mix) {
    /** Stands before the name of a mix that is also the name of a block type. */
    public static final String MIX_PREFIX = "llama.cpp:";

    /**
     * Reads a level, or a mix with an optional solver behind a colon.
     *
     * @throws LevelException when it is neither
     */
    public static QuantizeTarget parse(String text) {
        boolean prefixed = text.regionMatches(true, 0, MIX_PREFIX, 0, MIX_PREFIX.length());
        String rest = prefixed ? text.substring(MIX_PREFIX.length()) : text;
        String name = rest.split(":", 2)[0].strip();
        Optional<GgufMix> mix = GgufMix.byName(name).filter(m -> prefixed || !m.namedAsItsFormat());
        if (prefixed && mix.isEmpty()) {
            throw new LevelException("llama.cpp has no mix " + name + "; mixes: " + String.join(", ", GgufMix.words())
                    + ", and block types by their names");
        }
        return mix.isPresent()
                ? new QuantizeTarget(Level.parse(mix.get().format().name() + rest.substring(name.length())), mix.get())
                : new QuantizeTarget(Level.parse(text), null);
    }

    public Solver solver() {
        return level.solver();
    }

    /** Whether llama.cpp has a mix of the same name that stores some tensors in other types. */
    public boolean shadowsMix() {
        return mix == null && GgufMix.byName(level.format().name()).isPresent();
    }

    /** The type of each matrix. */
    public GgufTypes.Rule rule(GgufModel model, boolean pure) {
        if (pure) {
            return tensor -> level.format();
        }
        return mix == null ? GgufTypes.level(model, level.format()) : GgufTypes.mix(model, mix, false);
    }

    /** {@code llama_ftype} of the file. */
    int fileType() {
        return mix == null ? GgufFileTypes.of(level.format()) : mix.fileType();
    }

    @Override
    public String toString() {
        if (mix == null) {
            return level.toString();
        }
        String solver = level.toString().substring(level.format().name().length());
        return (mix.namedAsItsFormat() ? MIX_PREFIX : "") + mix.word() + solver;
    }
}
