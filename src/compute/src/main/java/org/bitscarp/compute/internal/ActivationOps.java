package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.bitscarp.compute.Activation;

/**
 * Activation functions on runs of floats, each as vector body, scalar tail. Offsets and lengths are in floats.
 *
 * <p>Floor: one read and one write of x, and one read of the factor. Each function is a loop of its own because a loop over
 * an interface would make an object of every vector.
 */
public final class ActivationOps {
    private static final int LANES = SPECIES.length();
    /** Floats that are activated and then multiplied while they are still in the first cache. */
    private static final int BLOCK = 2048;

    private ActivationOps() {}

    /** x = f(x). */
    public static void activate(Activation f, MemorySegment x, long at, long length) {
        switch (f) {
            case SILU -> silu(x, at, length);
            case GELU -> gelu(x, at, length);
            case GELU_TANH -> geluTanh(x, at, length);
            case RELU -> relu(x, at, length);
            case RELU_SQUARED -> reluSquared(x, at, length);
        }
    }

    /** gate = f(gate) · up. */
    public static void activateMultiply(Activation f, MemorySegment gate, MemorySegment up, long length) {
        for (long at = 0; at < length; at += BLOCK) {
            long n = Math.min(BLOCK, length - at);
            activate(f, gate, at, n);
            VectorOps.multiply(gate, at, up, at, n);
        }
    }

    private static void silu(MemorySegment x, long at, long length) {
        long i = at;
        for (long end = at + length - length % LANES; i < end; i += LANES) {
            store(SmoothFunctions.silu(load(x, i)), x, i);
        }
        for (; i < at + length; i++) {
            set(x, i, SmoothFunctions.silu(get(x, i)));
        }
    }

    private static void gelu(MemorySegment x, long at, long length) {
        long i = at;
        for (long end = at + length - length % LANES; i < end; i += LANES) {
            store(SmoothFunctions.gelu(load(x, i)), x, i);
        }
        for (; i < at + length; i++) {
            set(x, i, SmoothFunctions.gelu(get(x, i)));
        }
    }

    private static void geluTanh(MemorySegment x, long at, long length) {
        long i = at;
        for (long end = at + length - length % LANES; i < end; i += LANES) {
            store(SmoothFunctions.geluTanh(load(x, i)), x, i);
        }
        for (; i < at + length; i++) {
            set(x, i, SmoothFunctions.geluTanh(get(x, i)));
        }
    }

    private static void relu(MemorySegment x, long at, long length) {
        long i = at;
        for (long end = at + length - length % LANES; i < end; i += LANES) {
            store(load(x, i).max(0), x, i);
        }
        for (; i < at + length; i++) {
            set(x, i, Math.max(get(x, i), 0));
        }
    }

    private static void reluSquared(MemorySegment x, long at, long length) {
        long i = at;
        for (long end = at + length - length % LANES; i < end; i += LANES) {
            FloatVector positive = load(x, i).max(0);
            store(positive.mul(positive), x, i);
        }
        for (; i < at + length; i++) {
            float positive = Math.max(get(x, i), 0);
            set(x, i, positive * positive);
        }
    }

    /** x = cap · tanh(x · factor / cap). */
    public static void softCap(MemorySegment x, long at, float factor, float cap, long length) {
        float inner = factor / cap;
        long i = at;
        for (long end = at + length - length % LANES; i < end; i += LANES) {
            store(SmoothFunctions.tanh(load(x, i).mul(inner)).mul(cap), x, i);
        }
        for (; i < at + length; i++) {
            set(x, i, SmoothFunctions.tanh(get(x, i) * inner) * cap);
        }
    }

    private static FloatVector load(MemorySegment x, long at) {
        return FloatVector.fromMemorySegment(SPECIES, x, 4 * at, ORDER);
    }

    private static void store(FloatVector v, MemorySegment x, long at) {
        v.intoMemorySegment(x, 4 * at, ORDER);
    }

    private static float get(MemorySegment x, long at) {
        return x.getAtIndex(JAVA_FLOAT, at);
    }

    private static void set(MemorySegment x, long at, float value) {
        x.setAtIndex(JAVA_FLOAT, at, value);
    }
}
