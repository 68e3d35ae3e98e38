// Logits in the order in which the most likely token is told: the greater first, of equals the one that comes first.
#pragma once

// A logit and its place, ordered by logit and then by place backwards.
__device__ __forceinline__ unsigned long long ranked(float logit, int place) {
    unsigned bits = __float_as_uint(logit + 0.0f);
    unsigned ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return (unsigned long long)ordered << 32 | (0xffffffffu - (unsigned)place);
}

__device__ __forceinline__ int placeOf(unsigned long long ranked) { return (int)(0xffffffffu - (unsigned)ranked); }
