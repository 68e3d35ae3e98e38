package org.bitscarp.cuda.emulated.ptx;

/**
 * Declared memory.
 *
 * @param space {@code global}, {@code const}, {@code shared} or {@code local}
 * @param bytes its size; 0 for dynamic shared memory
 * @param content initial bytes, shorter than {@code bytes} where the rest is zero
 */
public record Variable(String space, String name, int align, int bytes, byte[] content) {}
