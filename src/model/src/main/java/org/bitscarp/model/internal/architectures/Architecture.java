package org.bitscarp.model.internal.architectures;

import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/**
 * One family of decoders as transformers saves it. To add one, write its {@link Reader} in a file of its own and list it
 * in {@link Architectures}.
 *
 * @param name what {@code architectures} of a configuration says
 * @param modelType what {@code model_type} says
 * @param reader tells what a configuration means, with transformers' defaults for absent keys
 */
public record Architecture(String name, String modelType, Reader reader) {
    /** What a configuration describes. */
    public record Model(DecoderSpec spec, TensorLayout layout) {}

    /** Every key that changes the result is honoured or refused by name. */
    @FunctionalInterface
    public interface Reader {
        Model read(String architecture, ConfigFields config) throws ModelException;
    }
}
