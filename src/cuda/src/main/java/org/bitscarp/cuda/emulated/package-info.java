/**
 * A GPU made of Java: runs the PTX that a real one would get, from the same launch code, and checks what a real one does
 * not. PTX is read by {@code ptx}, decoded once into {@link org.bitscarp.cuda.emulated.Instruction}s, and executed warp by
 * warp; registers are arrays over 32 lanes, and lanes that part ways meet again because the lowest program counter runs
 * first.
 */
package org.bitscarp.cuda.emulated;
