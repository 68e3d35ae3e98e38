// GPTQ's column loop (arXiv 2210.17323, algorithm 1) on integers of 2 to 8 bits, as quant.gptq.ColumnLoop runs it, to the same
// bytes: every weight is one chain of fused multiply-adds in the order of the columns before it.
//
// Floor: n² multiply-adds a row for the updates behind the batches, another 128·n within them. Columns follow each other, so
// a batch of 128 takes at least 128 divisions in a row whatever the device; rows are independent.
#include "column_loop.cuh"
#include "int_grid.cuh"
#include "subtract.cuh"

__device__ __forceinline__ float warpMax(float value) {
    for (int offset = 16; offset > 0; offset /= 2) {
        value = fmaxf(value, __shfl_xor_sync(FULL_WARP, value, offset));
    }
    return value;
}

// The weights that the loop begins with: NaN and infinities count as 0. Grid: x over columns, y over rows, which it strides.
// w, work: [rows, n]; order: [n], the column that is rounded j-th, or null for left to right
extern "C" __global__ void gptq_load(
        const float* __restrict__ w, const int* __restrict__ order, float* __restrict__ work, int rows, int n) {
    int j = blockIdx.x * blockDim.x + threadIdx.x;
    int column = order == nullptr || j >= n ? j : order[j];
    for (int row = blockIdx.y; row < rows && j < n; row += gridDim.y) {
        work[(long long)row * n + j] = finite(w[(long long)row * n + column]);
    }
}

// Specification of what follows: one thread for a row, column after column, each update at once. Grids are fitted by the
// published rule when the loop reaches them, or there already where `fitted`. work: [rows, n], finite, in the loop's order;
// upper: [n, n], U of the inverse Hessian; order: as above; grids: [rows, ⌈n / length⌉]; codes: [rows, n], by column
extern "C" __global__ void gptq_naive(
        float* work, const float* upper, const int* order, GridRecord* grids, uint8_t* codes, int rows, int n, int length,
        int maxCode, int zero, int fitted, unsigned long long* fallbacks) {
    long long row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    work += row * n;
    grids += row * ((n + length - 1) / length);
    for (int j = 0; j < n; j++) {
        int column = order == nullptr ? j : order[j];
        if (!fitted && column % length == 0) {
            float lo = 0;
            float hi = 0;
            for (int i = j; i < min(n, j + length); i++) {
                lo = fminf(lo, work[i]);
                hi = fmaxf(hi, work[i]);
            }
            IntGrid grid(lo, hi, maxCode, zero);
            grids[column / length] = record(grid);
            if (grid.fallback) {
                atomicAdd(fallbacks, 1ULL);
            }
        }
        GridRecord grid = grids[column / length];
        int code = grid.nearest(work[j], maxCode);
        codes[row * n + column] = code;
        const float* line = upper + (long long)j * n;
        float error = (work[j] - grid.value(code)) / line[j];
        for (int k = j + 1; k < n; k++) {
            work[k] = fmaf(-error, line[k], work[k]);
        }
    }
}

// The published grids of `count` blocks of each row from block `from` on. A warp for a block, rows × count blocks in all.
// w: [rows, n]; grids: [rows, ⌈n / length⌉]; length: weights in a full block; zero: the fixed zero point of symmetric grids,
// else −1; fallbacks: added to
extern "C" __global__ void fit_grids(
        const float* __restrict__ w, GridRecord* grids, int rows, int n, int from, int count, int length, int bits,
        int zero, unsigned long long* fallbacks) {
    int lane = threadIdx.x % 32;
    long long number = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    long long row = number / count;
    int block = from + (int)(number % count);
    if (row >= rows) {
        return;
    }
    long long first = (long long)block * length;
    int held = (int)min((long long)length, n - first);
    w += row * n + first;
    float down = 0;
    float up = 0;
    for (int i = lane; i < held; i += 32) {
        down = fmaxf(down, -finite(w[i]));
        up = fmaxf(up, finite(w[i]));
    }
    IntGrid grid(-warpMax(down), warpMax(up), (1 << bits) - 1, zero);
    if (lane == 0) {
        grids[row * ((n + length - 1) / length) + block] = record(grid);
        if (grid.fallback) {
            atomicAdd(fallbacks, 1ULL);
        }
    }
}

// Rounds a batch, see roundColumns.
extern "C" __global__ void gptq_batch(
        const float* __restrict__ work, const float* __restrict__ upper, const int* __restrict__ order,
        const GridRecord* __restrict__ grids, uint8_t* codes, float* errors, int pitch, int rows, int n, int begin,
        int width, int length, int maxCode) {
    int blocks = (n + length - 1) / length;
    auto round = [&](long long row, int column, float weight, int& code) {
        GridRecord grid = grids[row * blocks + column / length];
        code = grid.nearest(weight, maxCode);
        return grid.value(code);
    };
    roundColumns(work, upper, order, codes, errors, pitch, rows, n, begin, width, round);
}

// Columns behind a batch and other products: c −= a·b, see subtractProduct. wanted: [m], rows that count; tiles without any
// are left as they are. Null for all. Two blocks to a multiprocessor at least: for eight, sm_90 would have to spill.
extern "C" __global__ void __launch_bounds__(256, 2) subtract_product(
        const float* a, long long strideA, const float* b, long long strideB, float* c, long long strideC, int m, int n,
        int k, const int* wanted) {
    int row = blockIdx.y * EDGE + threadIdx.x % EDGE;
    if (wanted != nullptr && !__any_sync(FULL_WARP, row < m && wanted[row] != 0)) {
        return;
    }
    subtractProduct(a, strideA, b, strideB, c, strideC, m, n, k);
}

// Grids and codes to the bytes that quant.GroupedInt writes; a thread for eight codes of a block. Grid: x over ⌈length / 8⌉
// for each block of a row, y over rows, which it strides. packed: rows × rowBytes bytes; other arguments as above
extern "C" __global__ void pack_int(
        const GridRecord* __restrict__ grids, const uint8_t* __restrict__ codes, uint8_t* packed, long long rowBytes,
        int rows, int n, int length, int bits, int zero) {
    int octets = (length + 7) / 8;
    int blocks = (n + length - 1) / length;
    int index = blockIdx.x * blockDim.x + threadIdx.x;
    int block = index / octets;
    int at = index % octets * 8;
    int held = min(8, min(length, n - block * length) - at);
    if (block >= blocks || held <= 0) {
        return;
    }
    for (long long row = blockIdx.y; row < rows; row += gridDim.y) {
        uint8_t* bytes = packed + row * rowBytes + (long long)block * blockBytes(length, bits, zero);
        if (at == 0) {
            GridRecord grid = grids[row * blocks + block];
            putHalf(bytes, nearestHalf(grid.scale));
            if (zero < 0) {
                bytes[2] = grid.zero;
            }
        }
        const uint8_t* from = codes + row * n + (long long)block * length + at;
        unsigned long long word = 0;
        for (int i = 0; i < held; i++) {
            word |= (unsigned long long)from[i] << (i * bits);
        }
        putOctet(word, at, held, bits, bytes + (zero < 0 ? 3 : 2));
    }
}
