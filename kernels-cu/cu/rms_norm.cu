// y = x / √(mean(x²) + epsilon) · gain per row (Zhang and Sennrich 2019, equation 4).
//
// Floor: reads and writes 4·rows·columns bytes each; the second read of a row comes out of the cache.
#include "reduce.cuh"

// Specification: one thread for a row. x, y: [rows, columns], may be the same; gain: [columns]
extern "C" __global__ void rms_norm_naive(
        const float* x, const float* gain, float epsilon, float* y, int rows, int columns) {
    long long row = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    x += row * columns;
    y += row * columns;
    double squares = 0;
    for (int i = 0; i < columns; i++) {
        squares += (double)x[i] * x[i];
    }
    double inverse = 1 / sqrt(squares / columns + epsilon);
    for (int i = 0; i < columns; i++) {
        y[i] = (float)(x[i] * inverse * gain[i]);
    }
}

// One block for a row: each thread sums every blockDim-th square, in fp32 since a thread sees few of them.
// x, y: [gridDim.x, columns], may be the same; gain: [columns]
extern "C" __global__ void rms_norm(const float* x, const float* gain, float epsilon, float* y, int columns) {
    __shared__ float shared[32];
    x += (long long)blockIdx.x * columns;
    y += (long long)blockIdx.x * columns;
    float squares = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        squares = fmaf(x[i], x[i], squares);
    }
    squares = reduceBlock<float, Sum<float>>(squares, shared);
    float inverse = 1 / sqrtf(squares / columns + epsilon);
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        y[i] = x[i] * inverse * gain[i];
    }
}
