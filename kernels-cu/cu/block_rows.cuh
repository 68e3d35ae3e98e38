// Round-to-nearest with a thread for a block: sums and the first of equals follow the order of its weights, so there is nothing
// to share, and such a kernel is its own specification. A cache line of weights serves one thread, but all of it and at once.
//
// Floor: reads 4 bytes per weight twice (the second time from a cache), writes bits-per-weight / 8.
#pragma once
#include "half_scale.cuh"
#include "unfused.cuh"

// Quantizers are policies, made from a block's weights: its published grid, with
//   bytes(length)            bytes of a block
//   code(i, w), value(i, q)  the nearest value's code for the i-th weight, and the value
//   put(codes, count, bytes) writes the block; codes(i) is the code of the i-th weight
//   fallbacks                how often the grid left the published rule

// Weights beyond what a block of GGUF can hold, mostly for its fp16 scales, saturate before a grid is fitted to them.
__device__ __forceinline__ float saturated(float weight, int& fallbacks, float largest = LARGEST_HALF) {
    float x = finite(weight);
    float clamped = fmaxf(-largest, fminf(largest, x));
    fallbacks |= clamped != x ? 1 : 0;
    return clamped;
}

// 32 codes of 4 bits, those of the two halves in one byte; the fifth bits, where there are any, in order before them.
template <int BITS, typename Codes>
__device__ __forceinline__ void putHalves(Codes codes, uint8_t* bytes) {
    uint32_t fifth = 0;
    uint8_t* low = bytes + (BITS == 5 ? 4 : 0);
    for (int i = 0; i < 16; i++) {
        int first = codes(i);
        int second = codes(i + 16);
        low[i] = (first & 15) | (second & 15) << 4;
        fifth |= (uint32_t)(first >> 4) << i | (uint32_t)(second >> 4) << (i + 16);
    }
    if constexpr (BITS == 5) {
        for (int i = 0; i < 4; i++) {
            bytes[i] = fifth >> 8 * i;
        }
    }
}

// Grid: x over the blocks of a row, y over rows, which it strides. w: [rows, columns]; packed: rows × rowBytes bytes; length:
// weights in a full block; fallbacks: added to
template <typename Quantizer>
__device__ __forceinline__ void quantizeRows(
        const float* __restrict__ w, uint8_t* packed, long long rowBytes, int rows, int columns, int length,
        unsigned long long* fallbacks) {
    int block = blockIdx.x * blockDim.x + threadIdx.x;
    long long first = (long long)block * length;
    if (first >= columns) {
        return;
    }
    int count = (int)min((long long)length, columns - first);
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        const float* from = w + (long long)row * columns + first;
        Quantizer quantizer(from, count);
        auto codes = [&](int i) { return quantizer.code(i, from[i]); };
        quantizer.put(codes, count, packed + row * rowBytes + (long long)block * Quantizer::bytes(length));
        if (quantizer.fallbacks > 0) {
            atomicAdd(fallbacks, (unsigned long long)quantizer.fallbacks);
        }
    }
}

#define QUANTIZE(NAME, QUANTIZER) \
    extern "C" __global__ void quantize_##NAME( \
            const float* w, uint8_t* packed, long long rowBytes, int rows, int columns, int length, \
            unsigned long long* fallbacks) { \
        quantizeRows<QUANTIZER>(w, packed, rowBytes, rows, columns, length, fallbacks); \
    }
