// How far quantized weights are from the full-precision ones, row by row, in double and in the order of quant.SquaredError, so
// that reports have the same digits wherever weights are quantized.
//
// Floor: reads 8 bytes per weight; five operations in double per weight, which is what decides where those are slow.
#include "reduce.cuh"

// Of one row. Weights that are NaN or infinite count as 0, and so does what became of them, except where error feedback has
// rounded what came to them from others (`fed`).
struct RowError {
    double error;          // Σ (w − q)²
    double weights;        // Σ w²
    long long nonfinite;   // weights that are NaN or infinite
};

// Products are rounded before they are added, as on the CPU.
__device__ __forceinline__ void add(float weight, float rounded, bool fed, RowError& sums) {
    if (!isfinite(weight)) {
        sums.nonfinite++;
        weight = 0;
        rounded = fed ? rounded : 0;
    }
    double w = weight;
    double difference = __dsub_rn(w, rounded);
    sums.weights = __dadd_rn(sums.weights, __dmul_rn(w, w));
    sums.error = __dadd_rn(sums.error, __dmul_rn(difference, difference));
}

__device__ __forceinline__ double combined(double a, double b, double c, double d) {
    return __dadd_rn(__dadd_rn(a, b), __dadd_rn(c, d));
}

// Specification: one thread for a row. w, q: [rows, columns]; errors: [rows]
extern "C" __global__ void row_error_naive(
        const float* w, const float* q, RowError* errors, int rows, int columns, int fed) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    w += (long long)row * columns;
    q += (long long)row * columns;
    RowError s[4] = {};
    int whole = columns / 4 * 4;
    for (int i = 0; i < columns; i++) {
        add(w[i], q[i], fed, s[i < whole ? i % 4 : 0]);
    }
    errors[row] = {
            combined(s[0].error, s[1].error, s[2].error, s[3].error),
            combined(s[0].weights, s[1].weights, s[2].weights, s[3].weights),
            s[0].nonfinite + s[1].nonfinite + s[2].nonfinite + s[3].nonfinite};
}

// Four threads for a row, one for each of its four sums. Whole warps; arguments as above.
extern "C" __global__ void row_error(
        const float* __restrict__ w, const float* __restrict__ q, RowError* errors, int rows, int columns, int fed) {
    long long row = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / 4;
    int lane = threadIdx.x % 4;
    RowError own = {};
    if (row < rows) {
        w += row * columns;
        q += row * columns;
        int whole = columns / 4 * 4;
        for (int i = lane; i < whole; i += 4) {
            add(w[i], q[i], fed, own);
        }
        for (int i = whole; lane == 0 && i < columns; i++) {
            add(w[i], q[i], fed, own);
        }
    }
    RowError s[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        s[i].error = __shfl_sync(FULL_WARP, own.error, i, 4);
        s[i].weights = __shfl_sync(FULL_WARP, own.weights, i, 4);
        s[i].nonfinite = __shfl_sync(FULL_WARP, own.nonfinite, i, 4);
    }
    if (row < rows && lane == 0) {
        errors[row] = {
                combined(s[0].error, s[1].error, s[2].error, s[3].error),
                combined(s[0].weights, s[1].weights, s[2].weights, s[3].weights),
                s[0].nonfinite + s[1].nonfinite + s[2].nonfinite + s[3].nonfinite};
    }
}
