package org.bitscarp.cuda.emulated;

/**
 * Arithmetic of 32 lanes: reads rows {@code a}, {@code b}, {@code c} and writes row {@code d} of the register files that its
 * {@link Form} names. It computes all lanes; {@link Arithmetic} restores those that are not active.
 */
@FunctionalInterface
interface Op {
    void run(Warp w, int d, int a, int b, int c);
}
