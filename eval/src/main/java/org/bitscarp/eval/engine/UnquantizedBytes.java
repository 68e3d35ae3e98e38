package org.bitscarp.eval.engine;

import java.util.List;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;

/** Bytes of a model beside its quantized linear maps, so that a level's size is that of the whole model. */
final class UnquantizedBytes {
    private final Checkpoint checkpoint;
    private final DecoderSpec spec;

    UnquantizedBytes(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        spec = checkpoint.spec();
    }

    /** Adds what no level quantizes: norms and biases as stored, embedding and output projection in their format. */
    void addTo(List<LevelTally> tallies) {
        long small = 0;
        for (TensorRole role : TensorRole.values()) {
            if (role != TensorRole.EMBEDDING && role != TensorRole.HEAD && !role.linear()) {
                for (int layer = 0; layer < (role.inLayer() ? spec.layers() : 1); layer++) {
                    small +=
                            checkpoint.weight(role, layer).map(Weight::byteSize).orElse(0L);
                }
            }
        }
        Weight embedding = checkpoint.weight(TensorRole.EMBEDDING, 0).orElseThrow();
        Weight head = checkpoint.weight(TensorRole.HEAD, 0).orElse(embedding);
        for (LevelTally tally : tallies) {
            tally.otherBytes += small;
            countTable(tally, embedding, tally.recipe.embedding());
            if (hasOwnHead(tally.recipe)) {
                countTable(tally, head, tally.recipe.head());
            }
        }
    }

    /**
     * Whether the output projection is a table of its own: also one that takes over the last norm's gain where the residual
     * stream is rotated, and one that is stored in another format than the embedding.
     */
    private boolean hasOwnHead(Recipe recipe) {
        return !recipe.oneTable(spec)
                || Folding.of(checkpoint, recipe.level().transform()).rotatesResidual();
    }

    /** Bits per weight are those of the linear maps, and of tables too where the level is one of plain numbers. */
    private static void countTable(LevelTally tally, Weight table, BlockFormat stored) {
        boolean quantized = tally.level.quantizesEmbedding();
        BlockFormat format = quantized ? tally.level.format() : stored;
        int columns = Math.toIntExact(table.columns());
        long bytes = format == null ? table.byteSize() : table.rows() * format.rowBytes(columns);
        if (quantized) {
            tally.quantizedBytes += bytes;
            tally.quantizedWeights += table.size();
        } else {
            tally.otherBytes += bytes;
        }
    }
}
