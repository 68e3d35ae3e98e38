// arch: 80
// Dense products on tensor cores: mma.cuh, with the floor. Specification: matmul_naive (matmul_fp32.cu) of operands rounded by convert.cu.
#include "mma.cuh"

// x: [m, strideX bytes], w: [n, strideW bytes], both chunks of 16 bytes deep; y: [m, n] in rows of strideY floats.
// Grid: ⌈n / N⌉ × ⌈m / M⌉
#define MATMUL(TYPE, MMA, SIZE, M, N, DOWN, ACROSS) \
    extern "C" __global__ void __launch_bounds__(32 * DOWN * ACROSS) matmul_##TYPE##_##SIZE( \
            const uint8_t* x, long long strideX, const uint8_t* w, long long strideW, float* y, long long strideY, int m, \
            int n, int chunks, int add) { \
        Dense<M, 32 * DOWN * ACROSS> left = {x, strideX}; \
        Dense<N, 32 * DOWN * ACROSS> right = {w, strideW}; \
        tensorProduct<MMA, M, N, DOWN, ACROSS>(left, right, y, strideY, m, n, chunks, add); \
    }

MATMUL(fp16, MmaFp16, 128, 128, 128, 2, 4)
MATMUL(bf16, MmaBf16, 128, 128, 128, 2, 4)
MATMUL(tf32, MmaTf32, 128, 128, 128, 2, 4)
MATMUL(fp16, MmaFp16, 32, 32, 64, 2, 2)
MATMUL(bf16, MmaBf16, 32, 32, 64, 2, 2)
MATMUL(tf32, MmaTf32, 32, 32, 64, 2, 2)
