/** Linear maps that a quantizer packed into several tensors each. Not for use outside the room. */
package org.bitscarp.model.internal.packed;
