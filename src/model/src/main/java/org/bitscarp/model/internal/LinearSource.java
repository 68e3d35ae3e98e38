package org.bitscarp.model.internal;

import org.bitscarp.model.ModelException;
import org.bitscarp.model.Weight;

/** Finds linear maps of a checkpoint by the name of their module, however they are stored. */
public interface LinearSource {
    /** Whether a module of this name is stored here, e.g. {@code model.layers.0.self_attn.q_proj}. */
    boolean has(String module);

    /**
     * The map of a module as a weight of shape {@code [out, in]}. The caller has checked nothing but {@link #has}.
     *
     * @throws ModelException where the stored shapes do not fit
     */
    Weight linear(String module, long out, long in) throws ModelException;
}
