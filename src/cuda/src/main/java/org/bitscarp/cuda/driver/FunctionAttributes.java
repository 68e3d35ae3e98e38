package org.bitscarp.cuda.driver;

/**
 * What a kernel needs.
 *
 * @param maxThreads largest block
 * @param registers per thread; 0 on the emulated device, which has no limit
 * @param staticShared bytes per block
 * @param local bytes per thread, spilled registers included
 * @param maxDynamicShared bytes that the next launch may ask for
 */
public record FunctionAttributes(int maxThreads, int registers, int staticShared, int local, int maxDynamicShared) {}
