package org.bitscarp.eval.budget;

import java.util.List;
import java.util.Map;
import org.bitscarp.eval.engine.CandidateErrors.Place;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;

/**
 * What decides about the size of a file that a model becomes.
 *
 * @param maps linear maps by the tensor that they are stored in, every map once; those of one tensor have the same format
 * @param tables formats that {@link #EMBEDDING} and {@link #OUTPUT} may have, first the one that they have where nothing
 *     else is chosen; no output projection where it is the embedding's tensor
 * @param rest bytes of all else: metadata, vectors, padding before the first tensor
 */
public record FileLayout(List<List<Place>> maps, Map<Place, List<BlockFormat>> tables, long rest) {
    /** The token embedding, which is also the output projection of a tied model unless the file has a copy. */
    public static final Place EMBEDDING = new Place(TensorRole.EMBEDDING, 0);

    /** The output projection as a tensor of its own. */
    public static final Place OUTPUT = new Place(TensorRole.HEAD, 0);
}
