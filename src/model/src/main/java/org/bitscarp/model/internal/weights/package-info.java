/** How a weight of the model comes out of the tensors of a file. Not for use outside the room. */
package org.bitscarp.model.internal.weights;
