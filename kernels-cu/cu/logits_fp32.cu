// Scores of a slice's logits in fp32: logits.cuh has what is computed, and the floor. On fp32 units the product takes some ten
// times as long as on tensor cores, and all else is lost in it.
#include "logits.cuh"
#include "product.cuh"

// Specification: one thread for a row; logits are computed, kept and then looked at.
// x: [m, k]; w: [n, k]; targets: [m]; kept: [m, pitch]; reference: [m, pitch] and referenceScores: [m], or both null;
// scores: [m]; tokens: [m, 5]
extern "C" __global__ void logits_naive(
        const float* x, const float* w, int m, int n, int k, float cap, const int* targets, float* kept,
        const float* reference, const RowScore* referenceScores, int pitch, RowScore* scores, Token* tokens) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= m) {
        return;
    }
    float* z = kept + (long long)row * pitch;
    RowScore score = {0, 0, -INFINITY, 0, -1, 0};
    Best best;
    for (int i = 0; i < n; i++) {
        double product = 0;
        for (int p = 0; p < k; p++) {
            product += (double)x[(long long)row * k + p] * w[(long long)i * k + p];
        }
        z[i] = capped((float)product, cap);
        best.offer(z[i], i);
        if (z[i] > score.max) {
            score.max = z[i];
            score.argmax = i;
        }
        if (i == targets[row]) {
            score.target = z[i];
        }
    }
    for (int i = 0; i < n; i++) {
        score.sum += exp((double)z[i] - score.max);
        if (reference != nullptr) {
            double before = reference[(long long)row * pitch + i];
            score.cross += exp(before - referenceScores[row].max) * (before - z[i]);
        }
    }
    scores[row] = score;
    for (int rank = 0; rank < COUNT; rank++) {
        tokens[row * COUNT + rank] = tokenOf(best.held[rank]);
    }
}

// Grid: ⌈n / 128⌉ × ⌈m / 128⌉. x: [m, k]; w: [n, k]; the rest is a LogitWork, whose null pointers are what is not wanted.
// targets: [m]; least: [m]; kept, reference: [m, pitch]; referenceScores: [m]; parts: [m, ⌈n / 128⌉]; best: [m, ⌈n / 128⌉, 5]
extern "C" __global__ void __launch_bounds__(LOGIT_THREADS, 1) logits_fp32(
        const float* __restrict__ x, const float* __restrict__ w, int m, int n, int k, float cap, const int* targets,
        const float* least, float* kept, const float* reference, const RowScore* referenceScores, int pitch,
        RowScore* parts, unsigned long long* best) {
    using Own = Square<LOGIT_TILE, 8>;
    __shared__ __align__(16) float logits[STAGED * PITCH];
    LogitWork work = {m, n, cap, targets, least, kept, reference, referenceScores, pitch, parts, best};
    float sums[8][8] = {};
    addProducts<LOGIT_TILE, 8, 8, false, false>(x, w, sums, m, n, k, k);
    scoreTile(work, logits, [&](int half, float* z) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            if (i / 4 == half) {
                float* line = z + (Own::row(i) - half * STAGED) * PITCH;
#pragma unroll
                for (int j = 0; j < 8; j += 4) {
                    *(float4*)(line + Own::column(j)) =
                            make_float4(sums[i][j], sums[i][j + 1], sums[i][j + 2], sums[i][j + 3]);
                }
            }
        }
    });
}
