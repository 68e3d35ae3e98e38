// y = x·wᵀ for 1 to 8 rows x, straight from packed weights.
//
// Floor: reads bits-per-weight / 8 bytes per weight, each once; x comes out of the caches, 4·rows / OUTPUTS bytes per weight.
// Memory decides: 2·rows operations per weight. A multiprocessor's cache gives some nine times what it gets of the memory's
// bandwidth (128 bytes a clock; 132 of them at 1.75 GHz beside 3.35 TB/s on an H100), so with one output at a time 2-bit
// weights at one row, and all at eight, would wait for it.
#pragma once
#include "formats/bytes.cuh"

#define MATVEC_WARPS 4
// Outputs of a warp, with one row and with up to eight.
#define MATVEC_OUTPUTS_1 2
#define MATVEC_OUTPUTS_8 4

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

// A warp for OUTPUTS outputs: its lanes take eight weights of each at a time in turn, multiply them with every row of x, which
// is loaded once for all outputs, and add up at the end. ROWS: the most rows; rows <= ROWS.
template <typename Format, int ROWS, int OUTPUTS>
__device__ __forceinline__ void matvec(
        const uint8_t* packed, long long rowBytes, const float* x, float* y, int rows, int n, int columns, int length,
        int zero) {
    int lane = threadIdx.x % 32;
    int first = (blockIdx.x * MATVEC_WARPS + threadIdx.x / 32) * OUTPUTS;
    if (first >= n) {
        return;
    }
    const uint8_t* outputs[OUTPUTS];
#pragma unroll
    for (int o = 0; o < OUTPUTS; o++) {
        // Behind the last output it is computed again, and not written.
        outputs[o] = packed + min(first + o, n - 1) * rowBytes;
    }
    int full = Format::LENGTH > 0 ? Format::LENGTH : length;
    int octets = (full + 7) / 8;
    int all = (columns + full - 1) / full * octets;
    bool aligned = columns % 4 == 0 && full % 4 == 0 && (uintptr_t)x % 16 == 0;
    float sums[OUTPUTS][ROWS];
#pragma unroll
    for (int o = 0; o < OUTPUTS; o++) {
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            sums[o][r] = 0;
        }
    }
    for (int number = lane; number < all; number += 32) {
        int block = number / octets;
        int at = (number - block * octets) * 8;
        int column = block * full + at;
        int count = min(8, min(full, columns - block * full) - at);
        if (count <= 0) {
            continue;
        }
        float w[OUTPUTS][8];
#pragma unroll
        for (int o = 0; o < OUTPUTS; o++) {
            Format::octet(outputs[o] + (long long)block * Format::blockBytes(full, zero), at, count, zero, w[o]);
        }
        if (count < 8) {
#pragma unroll
            for (int i = 0; i < 8; i++) {
#pragma unroll
                for (int o = 0; o < OUTPUTS; o++) {
                    w[o][i] = i < count ? w[o][i] : 0;
                }
            }
        }
#pragma unroll
        for (int r = 0; r < ROWS; r++) {
            if (r < rows) {
                const float* from = x + (long long)r * columns + column;
                float v[8];
                if (aligned && count == 8) {
                    float4 low = __ldg((const float4*)from);
                    float4 high = __ldg((const float4*)from + 1);
                    v[0] = low.x, v[1] = low.y, v[2] = low.z, v[3] = low.w;
                    v[4] = high.x, v[5] = high.y, v[6] = high.z, v[7] = high.w;
                } else {
#pragma unroll
                    for (int i = 0; i < 8; i++) {
                        v[i] = i < count ? __ldg(from + i) : 0;
                    }
                }
#pragma unroll
                for (int o = 0; o < OUTPUTS; o++) {
#pragma unroll
                    for (int i = 0; i < 8; i++) {
                        sums[o][r] = fmaf(w[o][i], v[i], sums[o][r]);
                    }
                }
            }
        }
    }
    // Offsets outermost and not unrolled, for the sake of the code's size.
#pragma unroll 1
    for (int offset = 16; offset > 0; offset /= 2) {
#pragma unroll
        for (int o = 0; o < OUTPUTS; o++) {
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                sums[o][r] += __shfl_xor_sync(0xFFFFFFFFu, sums[o][r], offset);
            }
        }
    }
    if (lane != 0) {
        return;
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
#pragma unroll
        for (int o = 0; o < OUTPUTS; o++) {
            if (r < rows && first + o < n) {
                y[(long long)r * n + first + o] = sums[o][r];
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

// Grid of the fast ones: ⌈n / (MATVEC_WARPS · OUTPUTS)⌉ blocks of MATVEC_WARPS warps.
#define MATVEC(NAME, ...) \
    MATVEC_ENTRY(matvec_##NAME##_naive, (matvecNaive<__VA_ARGS__>)) \
    MATVEC_ENTRY(matvec_##NAME##_1, (matvec<__VA_ARGS__, 1, MATVEC_OUTPUTS_1>)) \
    MATVEC_ENTRY(matvec_##NAME##_8, (matvec<__VA_ARGS__, 8, MATVEC_OUTPUTS_8>))
