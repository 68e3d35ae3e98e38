// C −= A·B on fp32 matrices inside larger ones.
//
// Floor: 2·m·n·k operations on the fp32 units; reads 4·(m·k + k·n) bytes at least and 256·k a block, reads and writes 4·m·n.
#pragma once

#define EDGE 32

// Every element is one chain of fused multiply-adds in the order of k. A block of 256 threads for 32 × 32 elements, four rows
// 8 apart for each thread. a: [m, k] in rows of strideA; b: [k, n] in rows of strideB; c: [m, n] in rows of strideC.
// Grid: ⌈n / 32⌉ × ⌈m / 32⌉
__device__ __forceinline__ void subtractProduct(
        const float* a, long long strideA, const float* b, long long strideB, float* c, long long strideC, int m, int n,
        int k) {
    __shared__ float left[EDGE][EDGE + 1];
    __shared__ float right[EDGE][EDGE];
    int lane = threadIdx.x % EDGE;
    int group = threadIdx.x / EDGE;
    int column = blockIdx.x * EDGE + lane;
    float sums[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = blockIdx.y * EDGE + group + 8 * i;
        sums[i] = row < m && column < n ? c[row * strideC + column] : 0;
    }
    for (int step = 0; step < k; step += EDGE) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int line = group + 8 * i;
            int row = blockIdx.y * EDGE + line;
            left[line][lane] = row < m && step + lane < k ? a[row * strideA + step + lane] : 0;
            right[line][lane] = step + line < k && column < n ? b[(step + line) * strideB + column] : 0;
        }
        __syncthreads();
        int depth = min(EDGE, k - step);
#pragma unroll 8
        for (int p = 0; p < depth; p++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                sums[i] = fmaf(-left[group + 8 * i][p], right[p][lane], sums[i]);
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = blockIdx.y * EDGE + group + 8 * i;
        if (row < m && column < n) {
            c[row * strideC + column] = sums[i];
        }
    }
}
