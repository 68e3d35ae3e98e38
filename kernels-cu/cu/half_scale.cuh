// Scales of blocks, stored as little-endian fp16, as quant.HalfScale rounds them.
#pragma once
#include "numbers.cuh"

#define LARGEST_HALF 65504.0f

__device__ __forceinline__ float halfValue(uint16_t bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

// Whether the nearest fp16 number is infinite, so that nearestHalf clamps.
__device__ __forceinline__ bool overflowsHalf(float scale) { return isinf(halfValue(toHalf(scale))); }

__device__ __forceinline__ uint16_t nearestHalf(float scale) {
    return toHalf(fmaxf(-LARGEST_HALF, fminf(scale, LARGEST_HALF)));
}

__device__ __forceinline__ void putHalf(uint8_t* bytes, uint16_t stored) {
    bytes[0] = stored & 0xFF;
    bytes[1] = stored >> 8;
}

// What quantizers take for a weight that is NaN or infinite.
__device__ __forceinline__ float finite(float weight) { return isfinite(weight) ? weight : 0; }
