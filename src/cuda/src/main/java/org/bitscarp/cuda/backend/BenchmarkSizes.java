package org.bitscarp.cuda.backend;

import java.util.List;

/**
 * What {@link KernelBenchmark} measures.
 *
 * @param weights outputs × inputs of the packed matrices; inputs in whole blocks of 256
 * @param few numbers of rows that read packed weights once
 * @param many rows of a product that is bound by arithmetic
 * @param logits rows × vocabulary entries × hidden columns of logits that are scored
 * @param hessian rows × columns of the inputs of a Hessian update
 * @param gptq rows = columns of the matrix that the column loop quantizes
 * @param copied bytes of the copy that gives the bandwidth
 * @param cache bytes that weights take at least, in several copies used in turn, so that none is in the cache; 0 for one
 * @param warmUps runs before the first that counts
 * @param runs of which the median is taken
 */
public record BenchmarkSizes(
        List<int[]> weights,
        int[] few,
        int many,
        int[] logits,
        int[] hessian,
        int gptq,
        long copied,
        long cache,
        int warmUps,
        int runs) {
    /** Linear maps of models with 70 billion weights. Four times the cache of the largest GPU of 2025, 126 MB. */
    public static final BenchmarkSizes FULL = new BenchmarkSizes(
            List.of(new int[] {8192, 8192}, new int[] {8192, 28672}),
            new int[] {16, 32},
            2048,
            new int[] {2048, FusedLogits.WIDTH, 4096},
            new int[] {2048, 8192},
            8192,
            1L << 30,
            512L << 20,
            3,
            15);

    /** Runs through everything in seconds on the emulated device, where times say nothing. */
    public static final BenchmarkSizes TINY = new BenchmarkSizes(
            List.of(new int[] {48, 256}, new int[] {40, 512}),
            new int[] {16},
            72,
            new int[] {40, 130, 48},
            new int[] {33, 40},
            40,
            1 << 16,
            0,
            0,
            1);
}
