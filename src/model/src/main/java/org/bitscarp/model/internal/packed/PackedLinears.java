package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.LinearSource;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;

/** Linear maps of which a quantizer packed some and left others alone. */
abstract class PackedLinears implements LinearSource {
    private final SafetensorsFiles tensors;
    private final MappedFiles files;
    private final LinearSource plain;

    /** @param plain for the modules that were left alone */
    PackedLinears(SafetensorsFiles tensors, MappedFiles files, LinearSource plain) {
        this.tensors = tensors;
        this.files = files;
        this.plain = plain;
    }

    /** Whether the module's tensors are those of this layout. */
    abstract boolean packed(String module);

    /** A module for which {@link #packed}. Tensors are small where this reads them. */
    abstract Weight open(String module, long out, int in) throws IOException;

    /** A module that is not packed. */
    Weight plain(String module, long out, long in) throws ModelException {
        return plain.linear(module, out, in);
    }

    @Override
    public boolean has(String module) {
        return packed(module) || plain.has(module);
    }

    @Override
    public Weight linear(String module, long out, long in) throws ModelException {
        if (!packed(module)) {
            return plain(module, out, in);
        }
        try {
            return open(module, out, Math.toIntExact(in));
        } catch (ModelException e) {
            throw e;
        } catch (IOException e) {
            throw new ModelException("module " + module + " cannot be read: " + e.getMessage(), e);
        }
    }

    Optional<Part> find(String tensor) {
        return tensors.find(tensor).map(located -> new Part(files, located));
    }

    /**
     * @param part a tensor of the same module, which is there
     * @throws ModelException where {@code tensor} is missing
     */
    Part beside(Part part, String tensor) throws ModelException {
        return find(tensor).orElseThrow(() -> part.wrong("has no " + tensor + " beside it; download the files again"));
    }

    static String groupName(int size, int in) {
        return size >= in ? "row" : "g" + size;
    }
}
