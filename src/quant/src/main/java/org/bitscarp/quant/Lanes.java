package org.bitscarp.quant;

import jdk.incubator.vector.FloatVector;

/**
 * Whether vector loops pay off. All of them use 256 bits, eight floats, on every machine: wider registers gain little
 * here, and sums that are always taken in eight lanes make the same codes on every machine.
 */
public final class Lanes {
    /** Floats in a vector. */
    public static final int COUNT = 8;

    /** False where the machine's registers are narrower: 256-bit vectors would be emulated, object by object. */
    public static final boolean FAST = FloatVector.SPECIES_PREFERRED.length() >= COUNT;

    private Lanes() {}
}
