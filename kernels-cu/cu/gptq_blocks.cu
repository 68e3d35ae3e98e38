// GPTQ's column loop (gptq.cu) on NF4, ternary and GGUF's types without super-blocks, with the published grids, to the CPU's
// bytes. Kernels that fit and pack have a thread for a block and are their own specification; the loop's is gptq_naive.
//
// Floor: that of gptq.cu; a grid is read for every weight, mostly from a cache.
#include "column_loop.cuh"
#include "one_scale.cuh"
#include "uneven_types.cuh"

// Room for a grid, whatever its format.
#define GRID_BYTES 32

template <typename Quantizer>
__device__ __forceinline__ Quantizer* gridAt(uint8_t* grids, long long index) {
    static_assert(sizeof(Quantizer) <= GRID_BYTES, "a grid has to fit");
    return (Quantizer*)(grids + GRID_BYTES * index);
}

// The published grids of `count` blocks of each row from block `from` on; a thread for a block, rows × count blocks in all.
// w: [rows, n], finite; grids: [rows, ⌈n / length⌉], each GRID_BYTES; length: weights in a full block; fallbacks: added to
template <typename Quantizer>
__device__ __forceinline__ void fitGrids(
        const float* w, uint8_t* grids, int rows, int n, int from, int count, int length, unsigned long long* fallbacks) {
    long long number = (long long)blockIdx.x * blockDim.x + threadIdx.x;
    long long row = number / count;
    int block = from + (int)(number % count);
    if (row >= rows) {
        return;
    }
    long long first = (long long)block * length;
    Quantizer grid(w + row * n + first, (int)min((long long)length, n - first));
    if (grid.fallbacks > 0) {
        atomicAdd(fallbacks, (unsigned long long)grid.fallbacks);
    }
    *gridAt<Quantizer>(grids, row * ((n + length - 1) / length) + block) = grid;
}

// Rounds a batch, see roundColumns.
template <typename Quantizer>
__device__ __forceinline__ void roundBatch(
        const float* work, const float* upper, const int* order, uint8_t* grids, uint8_t* codes, float* errors, int pitch,
        int rows, int n, int begin, int width, int length) {
    int blocks = (n + length - 1) / length;
    auto round = [&](long long row, int column, float weight, int& code) {
        Quantizer grid = *gridAt<Quantizer>(grids, row * blocks + column / length);
        code = grid.code(column % length, weight);
        return grid.value(column % length, code);
    };
    roundColumns(work, upper, order, codes, errors, pitch, rows, n, begin, width, round);
}

// Grids and codes as they are stored; grid: x over the blocks of a row, y over rows, which it strides. packed: rows × rowBytes
// bytes
template <typename Quantizer>
__device__ __forceinline__ void packBlocks(
        uint8_t* grids, const uint8_t* codes, uint8_t* packed, long long rowBytes, int rows, int n, int length) {
    int blocks = (n + length - 1) / length;
    int block = blockIdx.x * blockDim.x + threadIdx.x;
    for (long long row = blockIdx.y; row < rows && block < blocks; row += gridDim.y) {
        const uint8_t* own = codes + row * n + (long long)block * length;
        auto code = [&](int i) { return (int)own[i]; };
        Quantizer grid = *gridAt<Quantizer>(grids, row * blocks + block);
        grid.put(code, min(length, n - block * length), packed + row * rowBytes + (long long)block * Quantizer::bytes(length));
    }
}

#define FEEDBACK(NAME, QUANTIZER) \
    extern "C" __global__ void fit_##NAME( \
            const float* w, uint8_t* grids, int rows, int n, int from, int count, int length, \
            unsigned long long* fallbacks) { \
        fitGrids<QUANTIZER>(w, grids, rows, n, from, count, length, fallbacks); \
    } \
    extern "C" __global__ void gptq_##NAME( \
            const float* work, const float* upper, const int* order, uint8_t* grids, uint8_t* codes, float* errors, \
            int pitch, int rows, int n, int begin, int width, int length) { \
        roundBatch<QUANTIZER>(work, upper, order, grids, codes, errors, pitch, rows, n, begin, width, length); \
    } \
    extern "C" __global__ void pack_##NAME( \
            uint8_t* grids, const uint8_t* codes, uint8_t* packed, long long rowBytes, int rows, int n, int length) { \
        packBlocks<QUANTIZER>(grids, codes, packed, rowBytes, rows, n, length); \
    }

FEEDBACK(nf4, NormalFloat4)
FEEDBACK(ternary, Ternary)
FEEDBACK(q4_0, Mirrored<4>)
FEEDBACK(q5_0, Mirrored<5>)
FEEDBACK(q4_1, Offset<4>)
FEEDBACK(q5_1, Offset<5>)
FEEDBACK(q8_0, Q8)
FEEDBACK(q2_0, Q2)
FEEDBACK(tq1_0, Tq1)
FEEDBACK(tq2_0, Tq2)
FEEDBACK(q1_0, Signs)
FEEDBACK(iq4_nl, Iq4Nl)
FEEDBACK(mxfp4, Mxfp4)
FEEDBACK(nvfp4, Nvfp4)
