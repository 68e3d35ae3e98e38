package org.bitscarp.eval.engine;

import java.util.IdentityHashMap;
import java.util.Map;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.Rope;

/** Cosines and sines of every rotary embedding that a model's layers use, up to the longest window. */
final class RotationTables {
    private record Table(Tensor cos, Tensor sin) {}

    private final Backend backend;
    private final int headDim;
    private final int longest;
    /** By the array of frequencies itself. */
    private final Map<double[], Table> tables = new IdentityHashMap<>();

    RotationTables(Backend backend, DecoderSpec spec, int longest, TensorMemory memory) {
        AttentionSpec attention = spec.attention();
        this.backend = backend;
        this.longest = longest;
        headDim = attention.headDim();
        add(attention.rope(), memory);
        add(attention.localRope(), memory);
    }

    private void add(Rope rope, TensorMemory memory) {
        if (rope == null) {
            return;
        }
        add(rope, rope.inverseFrequencies(), memory);
        if (rope.beyond() != null) {
            add(rope, rope.beyond().inverseFrequencies(), memory);
        }
    }

    private void add(Rope rope, double[] frequencies, TensorMemory memory) {
        Tensor cos = memory.allocate(longest, frequencies.length);
        Tensor sin = memory.allocate(longest, frequencies.length);
        HostFloats.upload(backend, cos, (position, i) -> rope.attentionFactor() * Math.cos(position * frequencies[i]));
        HostFloats.upload(backend, sin, (position, i) -> rope.attentionFactor() * Math.sin(position * frequencies[i]));
        tables.put(frequencies, new Table(cos, sin));
    }

    /**
     * Rotates queries and keys of runs of {@code count} rows, each beginning at position {@code first}; nothing where
     * {@code rope} is null.
     *
     * @param length tokens of the whole window, which decides about frequencies
     */
    void apply(Rope rope, int first, int count, int length, Tensor q, Tensor k) {
        if (rope != null) {
            Table table = tables.get(rope.frequencies(length));
            Tensor cos = table.cos.slice(first, count);
            Tensor sin = table.sin.slice(first, count);
            backend.rope(q, headDim, cos, sin);
            backend.rope(k, headDim, cos, sin);
        }
    }
}
