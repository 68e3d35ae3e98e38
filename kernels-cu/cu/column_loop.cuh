// One batch of GPTQ's column loop, whatever the format.
#pragma once
#include <cstdint>

#include "reduce.cuh"

#define WARPS 4
#define BATCH 128

// Rounds columns [begin, begin + width) of the loop's order, at most BATCH, to grids that are there. A warp for a row, lane l
// holding columns l, l + 32, … of them. round(row, column, weight, code): the value and the code of a weight
// work: [rows, n], finite, in the loop's order; upper: [n, n], U of the inverse Hessian; order: [n], the column that is rounded
// j-th, or null for left to right; codes: [rows, n], by column; errors: width columns in rows of `pitch`
template <typename Round>
__device__ __forceinline__ void roundColumns(
        const float* __restrict__ work, const float* __restrict__ upper, const int* __restrict__ order, uint8_t* codes,
        float* errors, int pitch, int rows, int n, int begin, int width, Round round) {
    constexpr int EACH = BATCH / 32;
    int lane = threadIdx.x % 32;
    long long row = (long long)blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) {
        return;
    }
    work += row * n + begin;
    codes += row * n;
    errors += row * pitch;
    upper += (long long)begin * n + begin;
    float w[EACH];
    float e[EACH];
    int c[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        w[i] = lane + 32 * i < width ? work[lane + 32 * i] : 0;
        e[i] = 0;
        c[i] = 0;
    }
    for (int j = 0; j < width; j++) {
        float own = j / 32 == 0 ? w[0] : j / 32 == 1 ? w[1] : j / 32 == 2 ? w[2] : w[3];
        float weight = __shfl_sync(FULL_WARP, own, j % 32);
        int code;
        float value = round(row, order == nullptr ? begin + j : order[begin + j], weight, code);
        const float* line = upper + (long long)j * n;
        float error = __fsub_rn(weight, value) / line[j];
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int at = lane + 32 * i;
            if (at > j && at < width) {
                w[i] = fmaf(-error, line[at], w[i]);
            } else if (at == j) {
                e[i] = error;
                c[i] = code;
            }
        }
    }
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int at = lane + 32 * i;
        if (at < width) {
            errors[at] = e[i];
            codes[order == nullptr ? begin + at : order[begin + at]] = c[i];
        }
    }
}
