// Σ (x − y)², or Σ x² where there is no y, in double and in a fixed order: blocks first, then their sums.
//
// Floor: reads 8·n bytes (4·n without y); 1 double addition per element.
#include "reduce.cuh"

static __device__ double squaredDifference(const float* x, const float* y, long long i) {
    double difference = y == nullptr ? (double)x[i] : (double)x[i] - y[i];
    return difference * difference;
}

// Specification: one thread. x: [n]; y: [n] or null; sum: [1]
extern "C" __global__ void squared_distance_naive(const float* x, const float* y, long long n, double* sum) {
    double total = 0;
    for (long long i = 0; i < n; i++) {
        total += squaredDifference(x, y, i);
    }
    *sum = total;
}

// x: [n]; y: [n] or null; partial: [gridDim.x]
extern "C" __global__ void squared_distance(
        const float* __restrict__ x, const float* __restrict__ y, long long n, double* __restrict__ partial) {
    __shared__ double shared[32];
    long long stride = (long long)gridDim.x * blockDim.x;
    double total = 0;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
        total += squaredDifference(x, y, i);
    }
    total = reduceBlock<double, Sum<double>>(total, shared);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = total;
    }
}

// One block. values: [n]; sum: [1]
extern "C" __global__ void sum_doubles(const double* __restrict__ values, int n, double* __restrict__ sum) {
    __shared__ double shared[32];
    double total = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        total += values[i];
    }
    total = reduceBlock<double, Sum<double>>(total, shared);
    if (threadIdx.x == 0) {
        *sum = total;
    }
}
