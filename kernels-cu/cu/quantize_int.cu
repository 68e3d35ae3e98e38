// Round-to-nearest onto integers of 2 to 8 bits, to the bytes that quant.GroupedInt writes.
//
// Floor: reads 4 bytes per weight twice (the second time from a cache), writes bits / 8.
#include "numbers.cuh"
#include "reduce.cuh"

#define WARPS 4
#define LARGEST_HALF 65504.0f

// Counts of what happened, each added to: blocks whose grid left the published rule, and weights that were not finite.
struct Counts {
    unsigned long long fallbacks;
    unsigned long long nonfinite;
};

__device__ __forceinline__ float halfValue(uint16_t bits) {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}

// The grid of one block, as GroupedInt.fit gives it for weights between lo <= 0 and hi >= 0.
struct IntGrid {
    uint16_t stored;
    float scale;
    int zero;
    bool fallback;

    __device__ __forceinline__ IntGrid(float lo, float hi, int maxCode, int fixedZero) {
        if (fixedZero >= 0) {
            hi = fmaxf(-lo, hi);
            lo = -hi;
        }
        float wanted = (hi - lo) / (float)maxCode;
        bool overflow = isinf(halfValue(toHalf(wanted)));
        stored = toHalf(fminf(wanted, LARGEST_HALF));
        scale = halfValue(stored);
        fallback = overflow || (scale == 0 && hi > lo);
        if (fixedZero >= 0) {
            zero = fixedZero;
        } else if (scale == 0) {
            zero = 0;
        } else if (overflow) {
            zero = (int)rint(maxCode * (-(double)lo / ((double)hi - lo)));
        } else {
            int exact = (int)rintf(-lo / scale);
            zero = min(exact, maxCode);
            fallback = fallback || exact != zero;
        }
    }

    __device__ __forceinline__ int nearest(float weight, int maxCode) const {
        if (scale == 0) {
            return zero;
        }
        return (int)rintf(fmaxf((float)-zero, fminf((float)(maxCode - zero), weight / scale))) + zero;
    }
};

__device__ __forceinline__ float finite(float weight) {
    return isfinite(weight) ? weight : 0;
}

// Codes [at, at + count) of a block, at a multiple of 8: eight codes fill `bits` bytes, unused bits of the last are zero.
__device__ __forceinline__ void packOctet(const IntGrid& grid, const float* w, int at, int count, int bits, uint8_t* codes) {
    unsigned long long word = 0;
    int maxCode = (1 << bits) - 1;
    for (int i = 0; i < count; i++) {
        word |= (unsigned long long)grid.nearest(finite(w[at + i]), maxCode) << (i * bits);
    }
    codes += at / 8 * bits;
    for (int i = 0; i < (count * bits + 7) / 8; i++) {
        codes[i] = word >> (8 * i);
    }
}

__device__ __forceinline__ uint8_t* putHead(const IntGrid& grid, uint8_t* block, bool stored) {
    block[0] = grid.stored & 0xFF;
    block[1] = grid.stored >> 8;
    if (stored) {
        block[2] = grid.zero;
    }
    return block + (stored ? 3 : 2);
}

__device__ __forceinline__ int blockBytes(int length, int bits, int zero) {
    return (zero < 0 ? 3 : 2) + (length * bits + 7) / 8;
}

// Specification: one thread for a block. w: [rows, columns]; packed: rows × rowBytes bytes; length: weights in a full block;
// zero: the fixed zero point of symmetric grids, else −1
extern "C" __global__ void quantize_int_naive(
        const float* w, uint8_t* packed, long long rowBytes, int rows, int columns, int length, int bits, int zero,
        Counts* counts) {
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
        if (!isfinite(w[i])) {
            atomicAdd(&counts->nonfinite, 1ULL);
        }
    }
    IntGrid grid(lo, hi, (1 << bits) - 1, zero);
    if (grid.fallback) {
        atomicAdd(&counts->fallbacks, 1ULL);
    }
    uint8_t* codes = putHead(grid, packed + row * rowBytes + (long long)block * blockBytes(length, bits, zero), zero < 0);
    for (int at = 0; at < count; at += 8) {
        packOctet(grid, w, at, min(8, count - at), bits, codes);
    }
}

// A warp for a block; grid: x over the blocks of a row, y over rows, which it strides. Arguments as above.
extern "C" __global__ void quantize_int(
        const float* __restrict__ w, uint8_t* packed, long long rowBytes, int rows, int columns, int length, int bits,
        int zero, Counts* counts) {
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
        int nonfinite = 0;
        for (int i = lane; i < count; i += 32) {
            float weight = from[i];
            nonfinite += isfinite(weight) ? 0 : 1;
            lo = fminf(lo, finite(weight));
            hi = fmaxf(hi, finite(weight));
        }
        for (int offset = 16; offset > 0; offset /= 2) {
            lo = fminf(lo, __shfl_xor_sync(FULL_WARP, lo, offset));
            hi = fmaxf(hi, __shfl_xor_sync(FULL_WARP, hi, offset));
            nonfinite += __shfl_xor_sync(FULL_WARP, nonfinite, offset);
        }
        IntGrid grid(lo, hi, (1 << bits) - 1, zero);
        uint8_t* bytes = packed + row * rowBytes + (long long)block * blockBytes(length, bits, zero);
        if (lane == 0) {
            putHead(grid, bytes, zero < 0);
            if (grid.fallback) {
                atomicAdd(&counts->fallbacks, 1ULL);
            }
            if (nonfinite > 0) {
                atomicAdd(&counts->nonfinite, (unsigned long long)nonfinite);
            }
        }
        uint8_t* codes = bytes + (zero < 0 ? 3 : 2);
        for (int at = lane * 8; at < count; at += 32 * 8) {
            packOctet(grid, from, at, min(8, count - at), bits, codes);
        }
    }
}
