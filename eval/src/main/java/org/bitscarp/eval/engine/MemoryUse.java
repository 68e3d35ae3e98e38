package org.bitscarp.eval.engine;

import java.util.Arrays;
import java.util.List;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;

/** What a sweep takes besides hidden states, computed before it is taken. */
final class MemoryUse {
    private MemoryUse() {}

    /**
     * Bytes outside the heap at the worse of the two stages, layers and vocabulary.
     *
     * @param headFormats different formats in which the levels want the output projection
     */
    static long fixed(Checkpoint checkpoint, List<Level> levels, int headFormats, int unitRows, int lanes) {
        DecoderSpec spec = checkpoint.spec();
        long layer = 0;
        long[] packed = new long[levels.size()];
        for (TensorRole role : TensorRole.values()) {
            Weight weight = role.inLayer() ? checkpoint.anyLayer(role).orElse(null) : null;
            if (weight != null) {
                layer += 4 * weight.size();
                for (int l = 0; l < packed.length && role.linear(); l++) {
                    packed[l] += packedBytes(levels.get(l), weight);
                }
            }
        }
        // As read, on the backend or read ahead for a device, and packed: one level at a time.
        long layers = hessians(checkpoint, levels)
                + 2 * layer
                + (transforms(levels) ? layer : 0)
                + Arrays.stream(packed).max().orElse(0)
                + lanes * Workspace.bytes(spec, unitRows);
        return Math.max(layers, HeadScorer.bytes(spec, unitRows, lanes, headFormats));
    }

    /** Packed linear maps of all layers at all levels. */
    static long packedModels(Checkpoint checkpoint, List<Level> levels) {
        long bytes = 0;
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                Weight weight = checkpoint.weight(role, layer).orElse(null);
                for (Level level : weight == null ? List.<Level>of() : levels) {
                    bytes += packedBytes(level, weight);
                }
            }
        }
        return bytes;
    }

    /** Second moments of a layer's inputs: the sum, the mean, the factor, and the two in another order of the channels. */
    private static long hessians(Checkpoint checkpoint, List<Level> levels) {
        boolean shared = levels.stream().anyMatch(level -> level.usesHessian() && !level.sequential());
        boolean own = levels.stream().anyMatch(Level::sequential);
        long all = 0;
        long largest = 0;
        for (TensorRole role : TensorRole.values()) {
            Weight weight = role.linear() && role.input() == role
                    ? checkpoint.anyLayer(role).orElse(null)
                    : null;
            if (weight != null) {
                long inputs = role.perExpert() ? checkpoint.spec().mlp().experts() : 1;
                long bytes = (transforms(levels) ? 2 : 1) * 5 * 4 * inputs * weight.columns() * weight.columns();
                all += bytes;
                largest = Math.max(largest, bytes);
            }
        }
        // A sequential level has those of one input at a time, unless it moves all of them to another basis together.
        boolean together = levels.stream()
                .anyMatch(level -> level.sequential() && !level.transform().identity());
        return (shared ? all : 0) + (together ? all : own ? largest : 0);
    }

    /** Then there is a copy of the layer, and of its second moments, in another basis. */
    private static boolean transforms(List<Level> levels) {
        return levels.stream().anyMatch(level -> !level.transform().identity());
    }

    /** At most what fp16 takes where the level's blocks do not fit, so that an allocation has to put others there. */
    private static long packedBytes(Level level, Weight weight) {
        int columns = Math.toIntExact(weight.columns());
        BlockFormat format = level.format().supports(columns) ? level.format() : FloatFormat.FP16;
        return format == FloatFormat.FP32 ? 0 : weight.rows() * format.rowBytes(columns);
    }
}
