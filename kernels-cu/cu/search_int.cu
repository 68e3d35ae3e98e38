// The grid of integers of 2 to 8 bits with the least weighted error, block by block, and the codes on it, to the bytes that
// quant.GroupedInt writes for solver `search`; and the grids alone, for GPTQ.
//
// Floor: some 40 to 300 candidates for each block, ten operations per weight and candidate; arithmetic decides. Eight threads
// have a block, as the CPU adds weight i to sum i mod 8.
#include "int_search.cuh"
#include "reduce.cuh"

#define WARPS 4
#define GROUPS (WARPS * 32 / LANES)

// Codes [at, at + 8) of a block, as far as there are any.
__device__ __forceinline__ void roundOctet(const Block& block, const IntGrid& grid, int at, int bits, uint8_t* codes) {
    unsigned long long word = 0;
    int held = min(8, block.count - at);
    for (int i = 0; i < held; i++) {
        word |= (unsigned long long)grid.nearest(finite(block.w[at + i]), block.maxCode) << (i * bits);
    }
    putOctet(word, at, held, bits, codes);
}

// Specification: one thread for a block. Grid: x over the blocks of a row, y over rows. w: [rows, columns]; importance:
// [columns], finite and not negative, or null; packed: rows × rowBytes bytes; length: weights in a full block; zero: the fixed
// zero point of symmetric grids, else −1; steps, factor: see Scan; fallbacks: added to, blocks whose published grid left its
// rule
extern "C" __global__ void search_int_naive(
        const float* w, const float* importance, uint8_t* packed, long long rowBytes, int rows, int columns, int length,
        int bits, int zero, int steps, double factor, unsigned long long* fallbacks) {
    int number = blockIdx.x * blockDim.x + threadIdx.x;
    long long first = (long long)number * length;
    if (first >= columns) {
        return;
    }
    Alone block;
    block.w = w + (long long)blockIdx.y * columns + first;
    block.importance = importance == nullptr ? nullptr : importance + first;
    block.count = (int)min((long long)length, columns - first);
    block.maxCode = (1 << bits) - 1;
    block.begin();
    IntGrid grid = searched(block, zero, {steps, factor});
    if (grid.fallback) {
        atomicAdd(fallbacks, 1ULL);
    }
    uint8_t* codes = putHead(
            grid, packed + blockIdx.y * rowBytes + (long long)number * blockBytes(length, bits, zero), zero < 0);
    for (int at = 0; at < block.count; at += 8) {
        roundOctet(block, grid, at, bits, codes);
    }
}

// Eight threads for a block; grid: x over the blocks of a row, y over rows, which it strides. Arguments as above.
extern "C" __global__ void __launch_bounds__(32 * WARPS) search_int(
        const float* __restrict__ w, const float* __restrict__ importance, uint8_t* packed, long long rowBytes, int rows,
        int columns, int length, int bits, int zero, int steps, double factor, unsigned long long* fallbacks) {
    __shared__ float cached[GROUPS][2][PITCH];
    int group = threadIdx.x / LANES;
    int number = blockIdx.x * GROUPS + group;
    long long first = (long long)number * length;
    if (first >= columns) {
        return;
    }
    Team block(cached[group]);
    block.count = (int)min((long long)length, columns - first);
    block.importance = importance == nullptr ? nullptr : importance + first;
    block.maxCode = (1 << bits) - 1;
    block.begin();
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        block.w = w + (long long)row * columns + first;
        IntGrid grid = searched(block, zero, {steps, factor});
        uint8_t* bytes = packed + row * rowBytes + (long long)number * blockBytes(length, bits, zero);
        if (block.lane == 0) {
            putHead(grid, bytes, zero < 0);
            if (grid.fallback) {
                atomicAdd(fallbacks, 1ULL);
            }
        }
        uint8_t* codes = bytes + (zero < 0 ? 3 : 2);
        for (int at = block.lane * 8; at < block.count; at += LANES * 8) {
            roundOctet(block, grid, at, bits, codes);
        }
    }
}

// The grids alone, of `count` blocks of each row from block `from` on. Eight threads for a block, rows × count blocks in all.
// w: [rows, columns]; grids: [rows, ⌈columns / length⌉]; other arguments as above
extern "C" __global__ void __launch_bounds__(32 * WARPS) search_grids(
        const float* __restrict__ w, const float* __restrict__ importance, GridRecord* grids, int rows, int columns,
        int from, int count, int length, int bits, int zero, int steps, double factor, unsigned long long* fallbacks) {
    __shared__ float cached[GROUPS][2][PITCH];
    int group = threadIdx.x / LANES;
    long long number = (long long)blockIdx.x * GROUPS + group;
    long long row = number / count;
    int held = from + (int)(number % count);
    if (row >= rows) {
        return;
    }
    long long first = (long long)held * length;
    Team block(cached[group]);
    block.w = w + row * columns + first;
    block.importance = importance == nullptr ? nullptr : importance + first;
    block.count = (int)min((long long)length, columns - first);
    block.maxCode = (1 << bits) - 1;
    block.begin();
    IntGrid grid = searched(block, zero, {steps, factor});
    if (block.lane == 0) {
        grids[row * ((columns + length - 1) / length) + held] = record(grid);
        if (grid.fallback) {
            atomicAdd(fallbacks, 1ULL);
        }
    }
}
