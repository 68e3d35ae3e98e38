package org.bitscarp.model.export;

import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;

/**
 * A tensor of a file that is about to be written.
 *
 * @param name name in the file
 * @param role what it does in the model
 * @param layer from 0; 0 for roles outside the layers
 * @param weight its values, rows in the order of the file
 */
public record ExportTensor(String name, TensorRole role, int layer, Weight weight) {}
