package org.bitscarp.eval.engine;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;

/** Words for the formats that a model's linear maps are stored in. */
public final class MapFormats {
    private MapFormats() {}

    /** The format of the linear maps with one role in a layer. */
    @FunctionalInterface
    public interface Of {
        String name(TensorRole role, int layer);
    }

    /** Names joined by {@code +}, that of most weights first. */
    public static String words(Checkpoint checkpoint, Of format) {
        Map<String, Long> weights = new LinkedHashMap<>();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                Weight weight = checkpoint.weight(role, layer).orElse(null);
                if (weight != null) {
                    weights.merge(format.name(role, layer), weight.size(), Long::sum);
                }
            }
        }
        return weights.entrySet().stream()
                .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
                .map(Map.Entry::getKey)
                .collect(Collectors.joining("+"));
    }
}
