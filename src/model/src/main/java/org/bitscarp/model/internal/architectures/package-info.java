/**
 * The architectures that a {@code config.json} of the transformers library can name, one file each: what its keys mean,
 * and under which names its tensors are saved. Not for use outside the room.
 */
package org.bitscarp.model.internal.architectures;
