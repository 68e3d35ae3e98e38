package org.bitscarp.model.export;

import java.util.List;
import java.util.function.LongUnaryOperator;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;

/**
 * A tensor of a file that is about to be written.
 *
 * @param name name in the file
 * @param role what it does in the model; of several, the first
 * @param layer from 0; 0 for roles outside the layers
 * @param weight its values, rows in the order of the file
 * @param pieces the model's matrices that it consists of
 */
public record ExportTensor(String name, TensorRole role, int layer, Weight weight, List<Piece> pieces) {
    /**
     * A matrix of the model inside a tensor.
     *
     * @param expert number of the expert, 0 for a map that is not one of several
     * @param rows of the matrix
     * @param place row of the tensor for each row of the matrix
     */
    public record Piece(TensorRole role, int expert, long rows, LongUnaryOperator place) {}

    public ExportTensor {
        pieces = List.copyOf(pieces);
    }
}
