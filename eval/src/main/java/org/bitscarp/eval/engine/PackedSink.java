package org.bitscarp.eval.engine;

import java.io.IOException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.transform.BasisChange;

/** Receives the packed matrices of a pass over the layers, as they are made: the very bytes that are scored. */
@FunctionalInterface
public interface PackedSink {
    /**
     * A matrix of one level; layers come in order, in each of them the levels, and in each level the experts of a role.
     *
     * @param packed valid during this call only
     */
    void packed(Packed packed) throws IOException;

    /**
     * A packed matrix and what it was made from.
     *
     * @param level index among the levels of the pass
     * @param expert number of the expert, 0 for a map that is not one of several
     * @param matrix the bytes
     * @param change what the weights went through before they were packed
     * @param weights as they were then; null from a {@link QuantizePass}, whose lanes are at others by then
     * @param inputs what calibration tells of the inputs in that basis, or null
     */
    record Packed(
            int level,
            int layer,
            TensorRole role,
            int expert,
            PackedMatrix matrix,
            BasisChange change,
            DenseMatrix weights,
            InputStatistics inputs) {}

    /** For passes whose bytes nobody wants. */
    PackedSink NONE = packed -> {};
}
