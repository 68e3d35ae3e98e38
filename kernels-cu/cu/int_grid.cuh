// Grids of integers of 2 to 8 bits as quant.GroupedInt fits them, and their bytes.
#pragma once
#include "half_scale.cuh"

// The grid of one block, as GroupedInt.fit gives it for weights between lo <= 0 and hi >= 0.
struct IntGrid {
    uint16_t stored;
    float scale;
    int zero;
    bool fallback;

    __device__ __forceinline__ IntGrid() {}

    __device__ __forceinline__ IntGrid(float lo, float hi, int maxCode, int fixedZero) {
        if (fixedZero >= 0) {
            hi = fmaxf(-lo, hi);
            lo = -hi;
        }
        float wanted = (hi - lo) / (float)maxCode;
        bool overflow = overflowsHalf(wanted);
        stored = nearestHalf(wanted);
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

// A grid while its codes are still being chosen.
struct GridRecord {
    float scale;  // an fp16 number
    int16_t zero;
    int16_t fallback;

    // The nearest code, as IntGrid has it.
    __device__ __forceinline__ int nearest(float weight, int maxCode) const {
        IntGrid grid;
        grid.scale = scale;
        grid.zero = zero;
        return grid.nearest(weight, maxCode);
    }

    // Exact: the scale has 11 bits, the level 9.
    __device__ __forceinline__ float value(int code) const { return scale * (float)(code - zero); }
};

__device__ __forceinline__ GridRecord record(const IntGrid& grid) {
    return {grid.scale, (int16_t)grid.zero, (int16_t)grid.fallback};
}

// Codes [at, at + count) of a block, at a multiple of 8: eight codes fill `bits` bytes, unused bits of the last are zero.
// word: the codes, the first in the lowest bits
__device__ __forceinline__ void putOctet(unsigned long long word, int at, int count, int bits, uint8_t* codes) {
    codes += at / 8 * bits;
    for (int i = 0; i < (count * bits + 7) / 8; i++) {
        codes[i] = word >> (8 * i);
    }
}

__device__ __forceinline__ uint8_t* putHead(const IntGrid& grid, uint8_t* block, bool stored) {
    putHalf(block, grid.stored);
    if (stored) {
        block[2] = grid.zero;
    }
    return block + (stored ? 3 : 2);
}

__device__ __forceinline__ int blockBytes(int length, int bits, int zero) {
    return (zero < 0 ? 3 : 2) + (length * bits + 7) / 8;
}
