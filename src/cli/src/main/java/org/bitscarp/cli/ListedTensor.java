package org.bitscarp.cli;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.Weight;

/**
 * A line of {@code bitscarp inspect}.
 *
 * @param type how the values are stored, in lower case
 * @param bits on disk per value, scales and the like included
 * @param stored the tensor in the file; empty for a weight that is spread over several
 */
record ListedTensor(String name, String type, List<Long> shape, long bytes, double bits, Optional<TensorInfo> stored) {
    /**
     * The tensors of a checkpoint as its files have them; or, where a quantizer has spread weights over several tensors, the
     * weights that the model reads.
     */
    static List<ListedTensor> of(Checkpoint checkpoint) {
        Map<String, String> formats = new HashMap<>();
        checkpoint.tensors().forEach(t -> formats.put(t.name(), t.format().name()));
        boolean packed =
                checkpoint.weights().stream().anyMatch(w -> !w.formatName().equals(formats.get(w.name())));
        return packed
                ? checkpoint.weights().stream().map(ListedTensor::of).toList()
                : checkpoint.tensors().stream().map(ListedTensor::of).toList();
    }

    private static ListedTensor of(TensorInfo tensor) {
        return new ListedTensor(
                tensor.name(),
                tensor.format().name().toLowerCase(Locale.ROOT),
                tensor.shape(),
                tensor.byteSize(),
                tensor.format().bitsPerValue(),
                Optional.of(tensor));
    }

    private static ListedTensor of(Weight weight) {
        return new ListedTensor(
                weight.name(),
                weight.formatName().toLowerCase(Locale.ROOT),
                weight.shape(),
                weight.byteSize(),
                weight.bitsPerValue(),
                Optional.empty());
    }

    String dimensions() {
        return shape.stream().map(String::valueOf).collect(Collectors.joining(" × "));
    }
}
