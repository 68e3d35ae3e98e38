// GPTQ's column loop (arXiv 2210.17323, algorithm 1) on integers of 2 to 8 bits, as quant.gptq.ColumnLoop runs it, to the same
// bytes: every weight is one chain of fused multiply-adds in the order of the columns before it.
//
// Floor: n² multiply-adds a row for the updates behind the batches, another 128·n within them. Columns follow each other, so
// a batch of 128 takes at least 128 divisions in a row whatever the device; rows are independent.
#include "int_grid.cuh"
#include "reduce.cuh"
#include "subtract.cuh"

#define WARPS 4
#define BATCH 128
#define EACH (BATCH / 32)

__device__ __forceinline__ float warpMax(float value) {
    for (int offset = 16; offset > 0; offset /= 2) {
        value = fmaxf(value, __shfl_xor_sync(FULL_WARP, value, offset));
    }
    return value;
}

// The grid that the head of a block stores.
__device__ __forceinline__ IntGrid readHead(const uint8_t* block, int zero) {
    IntGrid grid;
    grid.stored = block[0] | block[1] << 8;
    grid.scale = halfValue(grid.stored);
    grid.zero = zero < 0 ? block[2] : zero;
    grid.fallback = false;
    return grid;
}

// The weights that the loop begins with: NaN and infinities count as 0. w, work: [count]
extern "C" __global__ void gptq_load(const float* __restrict__ w, float* __restrict__ work, long long count) {
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < count; i += stride) {
        work[i] = finite(w[i]);
    }
}

// Rounds columns [begin, begin + width) of each row; a block of the format that begins there is fitted to the weights as they
// are then. A warp for a row, lane l holding columns l, l + 32, … of the batch.
// work: [rows, n], finite; upper: [n, n], U of the inverse Hessian; errors: [rows, width]; packed: rows × rowBytes bytes;
// length: weights in a full block; zero: the fixed zero point of symmetric grids, else −1; fallbacks: added to
extern "C" __global__ void gptq_batch(
        const float* work, const float* upper, float* errors, uint8_t* packed, long long rowBytes, int rows, int n,
        int begin, int width, int length, int bits, int zero, unsigned long long* fallbacks) {
    __shared__ uint8_t codes[WARPS][BATCH];
    int warp = threadIdx.x / 32;
    int lane = threadIdx.x % 32;
    int row = blockIdx.x * WARPS + warp;
    if (row >= rows) {
        return;
    }
    work += (long long)row * n + begin;
    packed += row * rowBytes;
    upper += (long long)begin * n + begin;
    int maxCode = (1 << bits) - 1;
    int full = blockBytes(length, bits, zero);
    float w[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        w[i] = lane + 32 * i < width ? work[lane + 32 * i] : 0;
    }
    // The block that a batch begins in the middle of was fitted before.
    IntGrid grid = readHead(packed + (long long)(begin / length) * full, zero);
    for (int j = 0; j < width; j++) {
        int block = (begin + j) / length;
        if ((begin + j) % length == 0) {
            int count = min(length, n - begin - j);
            float lo = 0;
            float hi = 0;
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                int at = lane + 32 * i;
                bool inside = at >= j && at < j + count && at < width;
                lo = fminf(lo, inside ? w[i] : 0);
                hi = fmaxf(hi, inside ? w[i] : 0);
            }
            for (int at = width + lane; at < j + count; at += 32) {
                lo = fminf(lo, work[at]);
                hi = fmaxf(hi, work[at]);
            }
            lo = -warpMax(-lo);
            hi = warpMax(hi);
            grid = IntGrid(lo, hi, maxCode, zero);
            if (lane == 0) {
                putHead(grid, packed + (long long)block * full, zero < 0);
                if (grid.fallback) {
                    atomicAdd(fallbacks, 1ULL);
                }
            }
        }
        float own = j / 32 == 0 ? w[0] : j / 32 == 1 ? w[1] : j / 32 == 2 ? w[2] : w[3];
        float weight = __shfl_sync(FULL_WARP, own, j % 32);
        int code = grid.nearest(weight, maxCode);
        float value = grid.scale * (float)(code - grid.zero);
        const float* line = upper + (long long)j * n;
        float error = (weight - value) / line[j];
        if (lane == 0) {
            codes[warp][j] = code;
            errors[(long long)row * width + j] = error;
        }
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int at = lane + 32 * i;
            if (at > j && at < width) {
                w[i] = fmaf(-error, line[at], w[i]);
            }
        }
    }
    __syncwarp();
    // Octets of codes: none reaches across the end of a block, and the batch begins with one.
    for (int first = 0; first < width;) {
        int block = (begin + first) / length;
        int start = begin + first - block * length;
        int count = min(min(length, n - block * length) - start, width - first);
        uint8_t* bytes = packed + (long long)block * full + (zero < 0 ? 3 : 2);
        for (int at = lane * 8; at < count; at += 32 * 8) {
            int held = min(8, count - at);
            unsigned long long word = 0;
            for (int i = 0; i < held; i++) {
                word |= (unsigned long long)codes[warp][first + at + i] << (i * bits);
            }
            putOctet(word, start + at, held, bits, bytes);
        }
        first += count;
    }
}

// Columns behind a batch: c −= a·b, see subtractProduct. Two blocks to a multiprocessor at least: for eight, sm_90 would have
// to spill.
extern "C" __global__ void __launch_bounds__(256, 2) subtract_product(
        const float* a, long long strideA, const float* b, long long strideB, float* c, long long strideC, int m, int n,
        int k) {
    subtractProduct(a, strideA, b, strideB, c, strideC, m, n, k);
}
