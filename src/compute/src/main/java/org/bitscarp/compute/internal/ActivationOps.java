package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.bitscarp.compute.internal.VectorMath.ORDER;
import static org.bitscarp.compute.internal.VectorMath.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.bitscarp.compute.Activation;

/** Activation functions on runs of floats. Offsets and lengths are in floats. */
public final class ActivationOps {
    private static final int LANES = SPECIES.length();

    private ActivationOps() {}

    /** x = f(x). */
    public static void activate(Activation f, MemorySegment x, long length) {
        for (long i = 0; i < length; i++) {
            x.setAtIndex(JAVA_FLOAT, i, (float) f.apply(x.getAtIndex(JAVA_FLOAT, i)));
        }
    }

    /** gate = f(gate) · up. */
    public static void activateMultiply(Activation f, MemorySegment gate, MemorySegment up, long length) {
        if (f == Activation.SILU) {
            siluMultiply(gate, up, length);
            return;
        }
        for (long i = 0; i < length; i++) {
            double activated = f.apply(gate.getAtIndex(JAVA_FLOAT, i));
            gate.setAtIndex(JAVA_FLOAT, i, (float) (activated * up.getAtIndex(JAVA_FLOAT, i)));
        }
    }

    private static void siluMultiply(MemorySegment gate, MemorySegment up, long length) {
        long i = 0;
        for (long end = length - length % LANES; i < end; i += LANES) {
            FloatVector g = FloatVector.fromMemorySegment(SPECIES, gate, 4 * i, ORDER);
            FloatVector s = g.div(VectorMath.exp(g.neg()).add(1));
            s.mul(FloatVector.fromMemorySegment(SPECIES, up, 4 * i, ORDER)).intoMemorySegment(gate, 4 * i, ORDER);
        }
        for (; i < length; i++) {
            float g = gate.getAtIndex(JAVA_FLOAT, i);
            gate.setAtIndex(JAVA_FLOAT, i, g / (VectorMath.exp(-g) + 1) * up.getAtIndex(JAVA_FLOAT, i));
        }
    }

    /** x = cap · tanh(x / cap). */
    public static void softCap(MemorySegment x, long at, float cap, long length) {
        for (long i = at; i < at + length; i++) {
            x.setAtIndex(JAVA_FLOAT, i, (float) (cap * Math.tanh(x.getAtIndex(JAVA_FLOAT, i) / cap)));
        }
    }
}
