// Dense products in fp32 throughout: y = x·wᵀ, and sums += xᵀ·x for Hessians.
//
// Floor: 2·m·n·k operations on the fp32 units, 4·(m·k + n·k + m·n) bytes. Each output is one running sum over k in order,
// so results do not depend on the tile. Tiles of 128 load 2/128 of a value for each multiply-add; tiles of 32 keep more
// blocks busy where the output is small.
#include "product.cuh"

// Specification: one thread for an output. x: [m, k]; w: [n, k]; y: [m, n]
extern "C" __global__ void matmul_naive(const float* x, const float* w, float* y, int m, int n, int k) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y;
    if (column >= n || row >= m) {
        return;
    }
    double sum = 0;
    for (int i = 0; i < k; i++) {
        sum += (double)x[(long long)row * k + i] * w[(long long)column * k + i];
    }
    y[(long long)row * n + column] = (float)sum;
}

// Specification: one thread for a sum. x: [rows, width], with `first` columns left out before a; sums: [count, ·], row i and
// column j for columns i and j of a
extern "C" __global__ void outer_naive(const float* a, float* sums, int count, int n, int rows, int width) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y;
    if (column >= n || row >= count) {
        return;
    }
    double sum = 0;
    for (int i = 0; i < rows; i++) {
        sum += (double)a[(long long)i * width + row] * a[(long long)i * width + column];
    }
    sums[(long long)row * width + column] += (float)sum;
}

// y = x·wᵀ. Grid: (⌈n / TILE⌉, ⌈m / TILE⌉); 256 threads for tiles of 128, 64 for tiles of 32.
// x: [m, k]; w: [n, k]; y: [m, n]
extern "C" __global__ void __launch_bounds__(256, 2) matmul_128(
        const float* __restrict__ x, const float* __restrict__ w, float* __restrict__ y, int m, int n, int k) {
    product<128, 8, 8, false, STORE>(x, w, y, m, n, k, k, n);
}

extern "C" __global__ void __launch_bounds__(64) matmul_32(
        const float* __restrict__ x, const float* __restrict__ w, float* __restrict__ y, int m, int n, int k) {
    product<32, 4, 8, false, STORE>(x, w, y, m, n, k, k, n);
}

// sums[i][j] += Σ over rows of a[·][i]·a[·][j] for i < count, j < n. Grids and threads as above.
// a: [rows, width] from some column on; sums: [count, ·] in rows of width
extern "C" __global__ void __launch_bounds__(256) outer_128(
        const float* __restrict__ a, float* __restrict__ sums, int count, int n, int rows, int width) {
    product<128, 8, 8, true, ADD>(a, a, sums, count, n, rows, width, width);
}

extern "C" __global__ void __launch_bounds__(64) outer_32(
        const float* __restrict__ a, float* __restrict__ sums, int count, int n, int rows, int width) {
    product<32, 4, 8, true, ADD>(a, a, sums, count, n, rows, width, width);
}
