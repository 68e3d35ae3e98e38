// arch: 80
// Scores of a slice's logits on tensor cores: logits.cuh has what is computed, and the floor; mma.cuh the product.
// Specification: logits_naive (logits_fp32.cu) of operands rounded by convert.cu.
#include "logits.cuh"
#include "mma.cuh"

// The stages of the product and the logits of 64 rows take the same shared memory one after the other.
template <typename Mma>
__device__ __forceinline__ void scoreProducts(
        const uint8_t* x, long long strideX, const uint8_t* w, long long strideW, int chunks, const LogitWork& work) {
    using Own = Fragments<LOGIT_TILE, LOGIT_TILE, 2, 4>;
    static_assert(Own::BYTES >= STAGED * PITCH * sizeof(float));
    __shared__ __align__(128) uint8_t shared[Own::BYTES];
    Dense<LOGIT_TILE, LOGIT_THREADS> left = {x, strideX};
    Dense<LOGIT_TILE, LOGIT_THREADS> right = {w, strideW};
    float sums[Own::ROWS][Own::COLUMNS][4];
    tensorSums<Mma, LOGIT_TILE, LOGIT_TILE, 2, 4>(left, right, shared, work.m, work.n, chunks, sums);
    scoreTile(work, (float*)shared, [&](int half, float* z) {
        if (Own::warpRow() / STAGED == half) {
#pragma unroll
            for (int i = 0; i < Own::ROWS; i++) {
#pragma unroll
                for (int j = 0; j < Own::COLUMNS; j++) {
#pragma unroll
                    for (int e = 0; e < 4; e += 2) {
                        float* to = z + (Own::row(i, e) - half * STAGED) * PITCH + Own::column(j, e);
                        *(float2*)to = make_float2(sums[i][j][e], sums[i][j][e + 1]);
                    }
                }
            }
        }
    });
}

// Grid: ⌈n / 128⌉ × ⌈m / 128⌉. x: [m, strideX bytes], w: [n, strideW bytes], both chunks of 16 bytes deep; the rest as in
// logits_fp32.cu: targets: [m]; least: [m]; kept, reference: [m, pitch]; referenceScores: [m]; parts: [m, ⌈n / 128⌉];
// best: [m, ⌈n / 128⌉, 5]
#define LOGITS(TYPE, MMA) \
    extern "C" __global__ void __launch_bounds__(LOGIT_THREADS) logits_##TYPE( \
            const uint8_t* x, long long strideX, const uint8_t* w, long long strideW, int m, int n, int chunks, float cap, \
            const int* targets, const float* least, float* kept, const float* reference, \
            const RowScore* referenceScores, int pitch, RowScore* parts, unsigned long long* best) { \
        scoreProducts<MMA>( \
                x, strideX, w, strideW, chunks, \
                {m, n, cap, targets, least, kept, reference, referenceScores, pitch, parts, best}); \
    }

LOGITS(fp16, MmaFp16)
LOGITS(bf16, MmaBf16)
LOGITS(tf32, MmaTf32)
