// Round-to-nearest onto integers of 2 to 8 bits, to the bytes that quant.GroupedInt writes.
//
// Floor: reads 4 bytes per weight twice (the second time from a cache), writes bits / 8.
#include "int_grid.cuh"
#include "reduce.cuh"

#define WARPS 4

__device__ __forceinline__ void roundOctet(
        const IntGrid& grid, const float* w, int at, int count, int bits, uint8_t* codes) {
    unsigned long long word = 0;
    for (int i = 0; i < count; i++) {
        word |= (unsigned long long)grid.nearest(finite(w[at + i]), (1 << bits) - 1) << (i * bits);
    }
    putOctet(word, at, count, bits, codes);
}

// Specification: one thread for a block. w: [rows, columns]; packed: rows × rowBytes bytes; length: weights in a full block;
// zero: the fixed zero point of symmetric grids, else −1; fallbacks: added to, blocks whose grid left the published rule
extern "C" __global__ void quantize_int_naive(
        const float* w, uint8_t* packed, long long rowBytes, int rows, int columns, int length, int bits, int zero,
        unsigned long long* fallbacks) {
    int block = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y;
    if ((long long)block * length >= columns) {
        return;
    }
    int count = min(length, columns - block * length);
    w += (long long)row * columns + (long long)block * length;
    float lo = 0;
    float hi = 0;
    for (int i = 0; i < count; i++) {
        lo = fminf(lo, finite(w[i]));
        hi = fmaxf(hi, finite(w[i]));
    }
    IntGrid grid(lo, hi, (1 << bits) - 1, zero);
    if (grid.fallback) {
        atomicAdd(fallbacks, 1ULL);
    }
    uint8_t* codes = putHead(grid, packed + row * rowBytes + (long long)block * blockBytes(length, bits, zero), zero < 0);
    for (int at = 0; at < count; at += 8) {
        roundOctet(grid, w, at, min(8, count - at), bits, codes);
    }
}

// A warp for a block; grid: x over the blocks of a row, y over rows, which it strides. Arguments as above.
extern "C" __global__ void quantize_int(
        const float* __restrict__ w, uint8_t* packed, long long rowBytes, int rows, int columns, int length, int bits,
        int zero, unsigned long long* fallbacks) {
    int block = blockIdx.x * WARPS + threadIdx.x / 32;
    int lane = threadIdx.x % 32;
    long long first = (long long)block * length;
    if (first >= columns) {
        return;
    }
    int count = (int)min((long long)length, columns - first);
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        const float* from = w + (long long)row * columns + first;
        float lo = 0;
        float hi = 0;
        for (int i = lane; i < count; i += 32) {
            float weight = finite(from[i]);
            lo = fminf(lo, weight);
            hi = fmaxf(hi, weight);
        }
        for (int offset = 16; offset > 0; offset /= 2) {
            lo = fminf(lo, __shfl_xor_sync(FULL_WARP, lo, offset));
            hi = fmaxf(hi, __shfl_xor_sync(FULL_WARP, hi, offset));
        }
        IntGrid grid(lo, hi, (1 << bits) - 1, zero);
        uint8_t* bytes = packed + row * rowBytes + (long long)block * blockBytes(length, bits, zero);
        if (lane == 0) {
            putHead(grid, bytes, zero < 0);
            if (grid.fallback) {
                atomicAdd(fallbacks, 1ULL);
            }
        }
        uint8_t* codes = bytes + (zero < 0 ? 3 : 2);
        for (int at = lane * 8; at < count; at += 32 * 8) {
            roundOctet(grid, from, at, min(8, count - at), bits, codes);
        }
    }
}
