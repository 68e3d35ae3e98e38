// The five most likely tokens of each row of a slice of logits; NaN and −∞ are none (TopTokens.java puts slices together).
//
// Floor: reads 4·rows·n bytes, a comparison per logit; hardly any logit gets past it.
#include "ranked.cuh"
#include "reduce.cuh"

#define COUNT 5

// The greatest first, 0 where there are no more.
struct Best {
    unsigned long long held[COUNT];

    __device__ __forceinline__ Best() {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            held[i] = 0;
        }
    }

    __device__ __forceinline__ void offer(float logit, int place) {
        if (!(logit > -INFINITY)) {
            return;
        }
        unsigned long long next = ranked(logit, place);
        if (next <= held[COUNT - 1]) {
            return;
        }
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            unsigned long long greater = max(held[i], next);
            next = min(held[i], next);
            held[i] = greater;
        }
    }

    __device__ __forceinline__ void drop() {
#pragma unroll
        for (int i = 1; i < COUNT; i++) {
            held[i - 1] = held[i];
        }
        held[COUNT - 1] = 0;
    }
};

struct Token {
    float logit;
    int place;  // in the slice; −1 where there are no more
};

__device__ __forceinline__ Token token(const float* z, unsigned long long best) {
    int place = best == 0 ? -1 : placeOf(best);
    return {best == 0 ? 0 : z[place], place};
}

// Specification: one thread for a row. logits: [rows, n]; tokens: [rows, 5]
extern "C" __global__ void top_tokens_naive(const float* logits, Token* tokens, int rows, int n) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    const float* z = logits + (long long)row * n;
    unsigned long long above = ~0ULL;
    for (int rank = 0; rank < COUNT; rank++) {
        unsigned long long best = 0;
        for (int i = 0; i < n; i++) {
            if (z[i] > -INFINITY && ranked(z[i], i) < above) {
                best = max(best, ranked(z[i], i));
            }
        }
        tokens[row * COUNT + rank] = token(z, best);
        above = best;
    }
}

// One block for a row: each thread keeps its own five, then the block takes the greatest five times.
// logits: [gridDim.x, n]; tokens: [gridDim.x, 5]
extern "C" __global__ void top_tokens(const float* __restrict__ logits, Token* __restrict__ tokens, int n) {
    __shared__ unsigned long long shared[32];
    const float* z = logits + (long long)blockIdx.x * n;
    Best own;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        own.offer(z[i], i);
    }
    for (int rank = 0; rank < COUNT; rank++) {
        unsigned long long best = reduceBlock<unsigned long long, Max<unsigned long long>>(own.held[0], shared);
        if (best != 0 && best == own.held[0]) {
            own.drop();
        }
        if (threadIdx.x == 0) {
            tokens[blockIdx.x * COUNT + rank] = token(z, best);
        }
    }
}
