// Logits in the order in which the most likely token is told: the greater first, of equals the one that comes first.
#pragma once

// Tokens kept of a row: TopTokens.COUNT.
#define COUNT 5

// A logit and its place, ordered by logit and then by place backwards; never 0.
__device__ __forceinline__ unsigned long long ranked(float logit, int place) {
    unsigned bits = __float_as_uint(logit + 0.0f);
    unsigned ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (unsigned long long)ordered << 32 | (0xffffffffu - (unsigned)place);
}

__device__ __forceinline__ int placeOf(unsigned long long ranked) { return (int)(0xffffffffu - (unsigned)ranked); }

// −0 comes back as 0.
__device__ __forceinline__ float logitOf(unsigned long long ranked) {
    unsigned ordered = (unsigned)(ranked >> 32);
    return __uint_as_float(ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered);
}

// A token as the host takes it.
struct Token {
    float logit;
    int place;  // in the slice; −1 where there are no more
};

__device__ __forceinline__ Token tokenOf(unsigned long long best) {
    return {best == 0 ? 0 : logitOf(best), best == 0 ? -1 : placeOf(best)};
}

// Ranked logits, the greatest first, 0 where there are no more.
struct Best {
    unsigned long long held[COUNT];

    __device__ __forceinline__ Best() {
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            held[i] = 0;
        }
    }

    __device__ __forceinline__ void take(unsigned long long next) {
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

    // NaN and −∞ are no tokens.
    __device__ __forceinline__ void offer(float logit, int place) {
        if (logit > -INFINITY) {
            take(ranked(logit, place));
        }
    }

    __device__ __forceinline__ void drop() {
#pragma unroll
        for (int i = 1; i < COUNT; i++) {
            held[i - 1] = held[i];
        }
        held[COUNT - 1] = 0;
    }

    // Takes the first away where it is the greatest of all lists.
    __device__ __forceinline__ void dropIf(unsigned long long greatest) {
        if (greatest != 0 && greatest == held[0]) {
            drop();
        }
    }
};
