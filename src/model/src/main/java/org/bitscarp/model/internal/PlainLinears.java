package org.bitscarp.model.internal;

import java.nio.file.Path;
import java.util.List;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.weights.MappedFiles;
import org.bitscarp.model.internal.weights.StoredWeight;

/** Linear maps stored as {@code <module>.weight}, plain numbers of shape {@code [out, in]}. */
public final class PlainLinears implements LinearSource {
    private final Path configFile;
    private final SafetensorsFiles tensors;
    private final MappedFiles files;

    /** @param configFile for messages: what asks for the shapes */
    public PlainLinears(Path configFile, SafetensorsFiles tensors, MappedFiles files) {
        this.configFile = configFile;
        this.tensors = tensors;
        this.files = files;
    }

    @Override
    public boolean has(String module) {
        return tensors.find(module + ".weight").isPresent();
    }

    @Override
    public Weight linear(String module, long out, long in) throws ModelException {
        String name = module + ".weight";
        List<Long> shape = List.of(out, in);
        SafetensorsFiles.Located located = tensors.find(name)
                .orElseThrow(() -> new ModelException(configFile.resolveSibling("") + ": tensor " + name
                        + " is missing; " + configFile.getFileName() + " asks for shape " + shape
                        + ", the safetensors files hold " + tensors.size() + " other tensors"));
        if (!located.entry().shape().equals(shape)) {
            throw new ModelException(located + " has shape " + located.entry().shape() + "; " + configFile.getFileName()
                    + " asks for " + shape);
        }
        return new StoredWeight(files, located.numbers());
    }
}
