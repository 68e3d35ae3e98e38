// y = x·wᵀ for 1 to 8 rows x, straight from packed weights.
//
// Floor: reads bits-per-weight / 8 bytes per weight, each once; x comes out of the caches. Memory decides: 2·rows operations
// per weight.
#pragma once
#include "formats/bytes.cuh"

#define MATVEC_WARPS 4

// Specification: one thread for an output, weight by weight, summed in double.
// packed: n × rowBytes bytes; x: [rows, columns]; y: [rows, n]
template <typename Format>
__device__ __forceinline__ void matvecNaive(
        const uint8_t* packed, long long rowBytes, const float* x, float* y, int rows, int n, int columns, int length,
        int zero) {
    int output = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y;
    if (output >= n) {
        return;
    }
    int full = Format::LENGTH > 0 ? Format::LENGTH : length;
    double sum = 0;
    for (int column = 0; column < columns; column++) {
        int block = column / full;
        int at = column - block * full;
        float w[8];
        const uint8_t* bytes = packed + output * rowBytes + (long long)block * Format::blockBytes(full, zero);
        Format::octet(bytes, at / 8 * 8, min(8, min(full, columns - block * full) - at / 8 * 8), zero, w);
        float weight = 0;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            weight = i == at % 8 ? w[i] : weight;
        }
        sum += (double)weight * x[(long long)row * columns + column];
    }
    y[(long long)row * n + output] = (float)sum;
}

// A warp for an output: its lanes take eight weights at a time in turn, multiply them with every row of x, and add up at the
// end. ROWS: the most rows; rows <= ROWS.
template <typename Format, int ROWS>
__device__ __forceinline__ void matvec(
        const uint8_t* packed, long long rowBytes, const float* x, float* y, int rows, int n, int columns, int length,
        int zero) {
    int lane = threadIdx.x % 32;
    int output = blockIdx.x * MATVEC_WARPS + threadIdx.x / 32;
    if (output >= n) {
        return;
    }
    packed += output * rowBytes;
    int full = Format::LENGTH > 0 ? Format::LENGTH : length;
    int octets = (full + 7) / 8;
    int all = (columns + full - 1) / full * octets;
    bool aligned = columns % 4 == 0 && full % 4 == 0 && (uintptr_t)x % 16 == 0;
    float sums[ROWS];
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        sums[r] = 0;
    }
    for (int number = lane; number < all; number += 32) {
        int block = number / octets;
        int at = (number - block * octets) * 8;
        int column = block * full + at;
        int count = min(8, min(full, columns - block * full) - at);
        if (count <= 0) {
            continue;
        }
        float w[8];
        Format::octet(packed + (long long)block * Format::blockBytes(full, zero), at, count, zero, w);
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            if (r < rows) {
                const float* from = x + (long long)r * columns + column;
                if (aligned && count == 8) {
                    float4 low = __ldg((const float4*)from);
                    float4 high = __ldg((const float4*)from + 1);
                    sums[r] = fmaf(w[0], low.x, fmaf(w[1], low.y, fmaf(w[2], low.z, fmaf(w[3], low.w, sums[r]))));
                    sums[r] = fmaf(w[4], high.x, fmaf(w[5], high.y, fmaf(w[6], high.z, fmaf(w[7], high.w, sums[r]))));
                } else {
#pragma unroll
                    for (int i = 0; i < 8; i++) {
                        if (i < count) {
                            sums[r] = fmaf(w[i], __ldg(from + i), sums[r]);
                        }
                    }
                }
            }
        }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
        if (r < rows) {
            for (int offset = 16; offset > 0; offset /= 2) {
                sums[r] += __shfl_xor_sync(0xFFFFFFFFu, sums[r], offset);
            }
            if (lane == 0) {
                y[(long long)r * n + output] = sums[r];
            }
        }
    }
}

#define MATVEC_ENTRY(NAME, BODY) \
    extern "C" __global__ void NAME( \
            const uint8_t* packed, long long rowBytes, const float* x, float* y, int rows, int n, int columns, int length, \
            int zero) { \
        BODY(packed, rowBytes, x, y, rows, n, columns, length, zero); \
    }

// Grid of the fast ones: ⌈n / MATVEC_WARPS⌉ blocks of MATVEC_WARPS warps.
#define MATVEC(NAME, ...) \
    MATVEC_ENTRY(matvec_##NAME##_naive, (matvecNaive<__VA_ARGS__>)) \
    MATVEC_ENTRY(matvec_##NAME##_1, (matvec<__VA_ARGS__, 1>)) \
    MATVEC_ENTRY(matvec_##NAME##_8, (matvec<__VA_ARGS__, 8>))
