// y = (x − mean(x)) / √(variance(x) + epsilon) · gain + bias per row (Ba et al. 2016, equation 4), the variance divided by
// the number of columns.
//
// Floor: reads and writes 4·rows·columns bytes each; further reads of a row come out of the cache.
#include "reduce.cuh"

// Specification: one thread for a row. x, y: [rows, columns], may be the same; gain, bias: [columns]
extern "C" __global__ void layer_norm_naive(
        const float* x, const float* gain, const float* bias, float epsilon, float* y, int rows, int columns) {
    long long row = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    x += row * columns;
    y += row * columns;
    double mean = 0;
    for (int i = 0; i < columns; i++) {
        mean += x[i];
    }
    mean /= columns;
    double squares = 0;
    for (int i = 0; i < columns; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
    }
    double inverse = 1 / sqrt(squares / columns + epsilon);
    for (int i = 0; i < columns; i++) {
        y[i] = (float)((x[i] - mean) * inverse * gain[i] + bias[i]);
    }
}

// One block for a row. The mean is found in two steps, the second one from the differences to the first: a row that lies
// far from zero then keeps its digits in fp32, since x − rough is exact where the two are close.
// x, y: [gridDim.x, columns], may be the same; gain, bias: [columns]
extern "C" __global__ void layer_norm(
        const float* x, const float* gain, const float* bias, float epsilon, float* y, int columns) {
    __shared__ float shared[32];
    x += (long long)blockIdx.x * columns;
    y += (long long)blockIdx.x * columns;
    float sum = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        sum += x[i];
    }
    float rough = reduceBlock<float, Sum<float>>(sum, shared) / columns;
    sum = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        sum += x[i] - rough;
    }
    float rest = reduceBlock<float, Sum<float>>(sum, shared) / columns;
    float squares = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        float centred = x[i] - rough - rest;
        squares = fmaf(centred, centred, squares);
    }
    squares = reduceBlock<float, Sum<float>>(squares, shared);
    float inverse = 1 / sqrtf(squares / columns + epsilon);
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        y[i] = fmaf((x[i] - rough - rest) * inverse, gain[i], bias[i]);
    }
}
