package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.compute.AttentionShape;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;

/**
 * Keys and values of sequences of one length that grow together, so that a new token costs one row per sequence. The first
 * run of tokens is attended to by the backend; later ones here on the host, since one row of queries per sequence is a few
 * million operations a layer at most.
 */
final class KeyValueCache implements DecoderLayer.Mixing, AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final Backend backend;
    private final DecoderSpec spec;
    private final RotationTables rotations;
    private final int sequences;
    private final int capacity;
    private final int width;
    /** Per layer {@code [sequences × capacity, kvHeads × headDim]}. */
    private final MemorySegment[] keys;

    private final MemorySegment[] values;
    private final MemorySegment queries;
    private int filled;

    /** @param capacity tokens that a sequence may grow to */
    KeyValueCache(Backend backend, DecoderSpec spec, RotationTables rotations, int sequences, int capacity) {
        AttentionSpec attention = spec.attention();
        this.backend = backend;
        this.spec = spec;
        this.rotations = rotations;
        this.sequences = sequences;
        this.capacity = capacity;
        width = attention.kvHeads() * attention.headDim();
        keys = new MemorySegment[spec.layers()];
        values = new MemorySegment[spec.layers()];
        for (int layer = 0; layer < keys.length; layer++) {
            keys[layer] = arena.allocate(4L * sequences * capacity * width, 64);
            values[layer] = arena.allocate(4L * sequences * capacity * width, 64);
        }
        queries = arena.allocate(
                4L * sequences * capacity * Math.max(width, attention.heads() * attention.headDim()), 64);
    }

    /** Tokens that have gone through all layers. */
    int filled() {
        return filled;
    }

    /** A run of {@code count} tokens per sequence has gone through all layers. */
    void advance(int count) {
        filled += count;
    }

    @Override
    public void mix(int layer, Tensor q, Tensor k, Tensor v, int length, Tensor mixed) {
        rotations.apply(spec.attention().rope(layer), filled, length, capacity, q, k);
        append(k, length, keys[layer]);
        append(v, length, values[layer]);
        if (filled == 0) {
            backend.attention(q, k, v, DecoderLayer.shape(spec, layer, length), mixed);
            return;
        }
        if (length != 1) {
            throw new IllegalArgumentException("tokens behind the first run come one by one, found " + length);
        }
        backend.download(q, queries);
        AttentionShape shape = DecoderLayer.shape(spec, layer, filled + 1);
        for (int sequence = 0; sequence < sequences; sequence++) {
            attend(sequence, keys[layer], values[layer], shape);
        }
        backend.upload(queries, mixed);
    }

    private void append(Tensor rows, int length, MemorySegment cache) {
        backend.download(rows, queries);
        long bytes = 4L * length * width;
        for (int sequence = 0; sequence < sequences; sequence++) {
            MemorySegment.copy(
                    queries, sequence * bytes, cache, 4L * width * ((long) sequence * capacity + filled), bytes);
        }
    }

    /** Replaces the newest query of a sequence by its mix of values; the same formula as {@link Backend#attention}. */
    private void attend(int sequence, MemorySegment keys, MemorySegment values, AttentionShape shape) {
        int d = shape.headDim();
        int newest = shape.length() - 1;
        int first = shape.firstVisible(newest);
        long base = (long) sequence * capacity * width;
        double[] p = new double[shape.length()];
        double[] mix = new double[d];
        for (int head = 0; head < shape.heads(); head++) {
            long query = ((long) sequence * shape.heads() + head) * d;
            int column = head / (shape.heads() / shape.kvHeads()) * d;
            double max = Double.NEGATIVE_INFINITY;
            for (int t = first; t <= newest; t++) {
                long key = base + (long) t * width + column;
                double dot = 0;
                for (int i = 0; i < d; i++) {
                    dot += (double) queries.getAtIndex(JAVA_FLOAT, query + i) * keys.getAtIndex(JAVA_FLOAT, key + i);
                }
                double score = dot * shape.scale();
                p[t] = shape.softCap() == 0 ? score : shape.softCap() * Math.tanh(score / shape.softCap());
                max = Math.max(max, p[t]);
            }
            double sum = 0;
            java.util.Arrays.fill(mix, 0);
            for (int t = first; t <= newest; t++) {
                double weight = Math.exp(p[t] - max);
                sum += weight;
                long value = base + (long) t * width + column;
                for (int i = 0; i < d; i++) {
                    mix[i] += weight * values.getAtIndex(JAVA_FLOAT, value + i);
                }
            }
            for (int i = 0; i < d; i++) {
                queries.setAtIndex(JAVA_FLOAT, query + i, (float) (mix[i] / sum));
            }
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
