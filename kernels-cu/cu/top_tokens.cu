// The five most likely tokens of each row of a slice of logits; NaN and −∞ are none (TopTokens.java puts slices together).
//
// Floor: reads 4·rows·n bytes, a comparison per logit; hardly any logit gets past it.
#include "ranked.cuh"
#include "reduce.cuh"

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
        tokens[row * COUNT + rank] = tokenOf(best);
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
        own.dropIf(best);
        if (threadIdx.x == 0) {
            tokens[blockIdx.x * COUNT + rank] = tokenOf(best);
        }
    }
}
