package org.bitscarp.eval.budget;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;

/** Formats of GGUF files that are tried under a budget; those whose blocks do not fit the rows of a matrix are left out for it. */
public final class CandidateFormats {
    private static final List<BlockFormat> ALL = formats(
            "tq2_0", "q2_0", "q2_k", "q3_k", "iq4_xs", "iq4_nl", "q4_k", "q4_1", "q5_0", "q5_k", "q5_1", "q6_k",
            "q8_0");

    /** Of use only where super-blocks do not fit: those are better at the same or fewer bits. */
    private static final List<BlockFormat> WITHOUT_SUPER_BLOCKS = formats("q4_1", "q5_1");

    private static final BlockFormat SUPER_BLOCKS = formats("q4_k").getFirst();

    private CandidateFormats() {}

    private static List<BlockFormat> formats(String... words) {
        return List.of(words).stream().map(word -> Level.parse(word).format()).toList();
    }

    /** For rows of so many weights; empty where no blocks fit. */
    public static List<BlockFormat> of(int columns) {
        return ALL.stream()
                .filter(format -> format.supports(columns))
                .filter(format -> !SUPER_BLOCKS.supports(columns) || !WITHOUT_SUPER_BLOCKS.contains(format))
                .toList();
    }

    /** All that some linear map of a model may get. */
    static List<BlockFormat> of(Checkpoint checkpoint) {
        List<BlockFormat> some = new ArrayList<>();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                checkpoint
                        .weight(role, layer)
                        .map(Weight::columns)
                        .ifPresent(columns -> some.addAll(of(Math.toIntExact(columns))));
            }
        }
        return ALL.stream().filter(some::contains).toList();
    }
}
