package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;

/**
 * One layer's weights on the host and on the backend. There they are as the level at work has them, and beside that, where the
 * device quantizes, the linear maps in full precision, so that all levels share one upload. With room for a third copy, the
 * next layer is read and uploaded while this one is at work.
 */
final class LayerTensors implements AutoCloseable {
    /** A layer as it was read; its linear maps on the device too, where levels are quantized there. */
    private static final class Slot {
        private final Map<TensorRole, DenseMatrix> host;
        private final Map<TensorRole, Tensor> originals = new EnumMap<>(TensorRole.class);
        private Set<TensorRole> present = Set.of();
        private int layer = -1;

        Slot(Map<TensorRole, DenseMatrix> host) {
            this.host = host;
        }
    }

    private final Backend backend;
    private final WeightReader reader;
    private final List<Slot> slots = new ArrayList<>();
    private final Map<TensorRole, Tensor> tensors = new EnumMap<>(TensorRole.class);
    private final ExecutorService ahead;
    private Future<?> begun;
    private Slot current;
    private boolean holdsFullPrecision;

    /**
     * @param arena for the host's copies
     * @param memory for the backend's
     */
    LayerTensors(Backend backend, WeightReader reader, DeviceQuantization device, Arena arena, TensorMemory memory) {
        this.backend = backend;
        this.reader = reader;
        for (int i = 0; i < (device.ahead() ? 2 : 1); i++) {
            Slot slot = new Slot(reader.allocateLayer(arena));
            slot.host.forEach((role, w) -> {
                if (device.used() && role.linear()) {
                    slot.originals.put(role, memory.allocate(w.rows(), w.columns()));
                }
            });
            slots.add(slot);
        }
        slots.getFirst().host.forEach((role, w) -> tensors.put(role, memory.allocate(w.rows(), w.columns())));
        ahead = slots.size() == 1
                ? null
                : Executors.newSingleThreadExecutor(task -> {
                    Thread thread = new Thread(task, "layer-ahead");
                    thread.setDaemon(true);
                    return thread;
                });
    }

    /** Makes a layer the one at work: reads and uploads it, unless {@link #begin} has. */
    void take(int layer) throws IOException {
        finishBegun();
        current = slots.get(layer % slots.size());
        if (current.layer != layer) {
            load(current, layer);
        }
        for (TensorRole role : current.present) {
            if (!current.originals.containsKey(role)) {
                backend.upload(current.host.get(role).data(), tensors.get(role));
            }
        }
        holdsFullPrecision = true;
    }

    /** Lets the layer behind the one at work come in meanwhile, where there is room for it. */
    void begin(int layer) {
        if (ahead != null) {
            Slot slot = slots.get(layer % slots.size());
            begun = ahead.submit(() -> {
                load(slot, layer);
                return null;
            });
        }
    }

    private void load(Slot slot, int layer) throws IOException {
        slot.present = reader.layer(layer, slot.host);
        slot.originals.forEach((role, tensor) -> {
            if (slot.present.contains(role)) {
                backend.upload(slot.host.get(role).data(), tensor);
            }
        });
        slot.layer = layer;
    }

    private void finishBegun() throws IOException {
        Future<?> waited = begun;
        begun = null;
        if (waited == null) {
            return;
        }
        try {
            waited.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException cause -> throw cause;
                case RuntimeException cause -> throw cause;
                case Error cause -> throw cause;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    /** The layer as it was read; routed and dense layers of a model differ in what they have. */
    Map<TensorRole, DenseMatrix> host() {
        Map<TensorRole, DenseMatrix> present = new EnumMap<>(current.host);
        present.keySet().retainAll(current.present);
        return present;
    }

    /** What the layer has of a level, once it is in {@link #target}. */
    LayerWeights ofLevel() {
        return weights(tensors);
    }

    /** The same where a level has its own values of some linear maps only, and the others are still in full precision. */
    LayerWeights ofLevel(Set<TensorRole> own) {
        Map<TensorRole, Tensor> all = new EnumMap<>(tensors);
        current.originals.forEach((role, tensor) -> {
            if (!own.contains(role)) {
                all.put(role, tensor);
            }
        });
        return weights(all);
    }

    /** The layer in full precision; uploaded again where a level has taken its place. */
    LayerWeights fullPrecision() {
        if (!current.originals.isEmpty()) {
            Map<TensorRole, Tensor> all = new EnumMap<>(tensors);
            all.putAll(current.originals);
            return weights(all);
        }
        if (!holdsFullPrecision) {
            host().forEach((role, w) -> {
                if (role.linear()) {
                    backend.upload(w.data(), tensors.get(role));
                }
            });
            holdsFullPrecision = true;
        }
        return weights(tensors);
    }

    /** Where a level's linear map goes, row after row. */
    Tensor target(TensorRole role, int firstRow, int rows) {
        holdsFullPrecision = false;
        return tensors.get(role).slice(firstRow, rows);
    }

    /** The same rows in full precision on the device; null where they are on the host only. */
    Tensor original(TensorRole role, int firstRow, int rows) {
        return current.originals.isEmpty() ? null : current.originals.get(role).slice(firstRow, rows);
    }

    private LayerWeights weights(Map<TensorRole, Tensor> all) {
        Map<TensorRole, Tensor> weights = new EnumMap<>(all);
        weights.keySet().retainAll(current.present);
        return new LayerWeights(weights);
    }

    /** Waits for the layer that is coming in, whose memory is freed next. */
    @Override
    public void close() {
        if (ahead != null) {
            // Waits for what has begun; its failure matters to nobody any more.
            ahead.close();
        }
    }
}
