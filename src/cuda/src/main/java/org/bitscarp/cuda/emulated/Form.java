package org.bitscarp.cuda.emulated;

/**
 * Arithmetic with its operands.
 *
 * @param target register file of the result: {@code w} 32 bits or fewer, {@code q} 64 bits, {@code p} predicate
 * @param sources files of the operands, in order; {@code h} is {@code w} with immediate values cut to 16 bits
 */
record Form(char target, String sources, Op op) {}
