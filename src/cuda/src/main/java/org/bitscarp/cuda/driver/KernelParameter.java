package org.bitscarp.cuda.driver;

/**
 * A parameter of a kernel, as its PTX declares it.
 *
 * @param name in the PTX
 * @param type PTX type without the dot: {@code u64}, {@code f32}, {@code b8} of an aggregate
 * @param pointer whether it is declared as one
 * @param offset bytes from the start of the parameters
 * @param bytes its size
 */
public record KernelParameter(String name, String type, boolean pointer, int offset, int bytes) {}
