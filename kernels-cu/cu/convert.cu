// Operands for tensor cores out of fp32 tensors: rounded, and rows padded with zeros to whole chunks of 16 bytes.
//
// Floor: reads 4, writes 2 or 4 bytes per value.
#include "numbers.cuh"

// A thread for an element of the result. x: [rows, columns]; out: [rows, padded] of the target's type
extern "C" __global__ void convert(const float* x, void* out, int target, int rows, int columns, int padded) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= padded) {
        return;
    }
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        float value = column < columns ? x[(long long)row * columns + column] : 0;
        storeAs(target, out, (long long)row * padded + column, value);
    }
}

#define SIDE 32

// x transposed and split into two tf32 numbers, x = big + small up to 2^−22 of |x|: line i of out holds the rows of column
// first + i, big ones and behind them small ones, each padded with zeros. A block of 32 × 8 threads for 32 × 32 elements.
// x: [rows, columns]; out: [columns − first, 2, padded]
extern "C" __global__ void split_transposed(
        const float* x, float* out, int rows, int columns, int first, int padded) {
    __shared__ float tile[SIDE][SIDE + 1];
    int lane = threadIdx.x % SIDE;
    int group = threadIdx.x / SIDE;
    int firstColumn = first + blockIdx.y * SIDE;
    int firstRow = blockIdx.x * SIDE;
    for (int i = group; i < SIDE; i += 8) {
        int row = firstRow + i;
        int column = firstColumn + lane;
        tile[i][lane] = row < rows && column < columns ? x[(long long)row * columns + column] : 0;
    }
    __syncthreads();
    for (int i = group; i < SIDE; i += 8) {
        int column = firstColumn + i;
        int row = firstRow + lane;
        if (column < columns && row < padded) {
            float value = tile[lane][i];
            float big = toTf32(value);
            float* line = out + (long long)(column - first) * 2 * padded;
            line[row] = big;
            line[padded + row] = toTf32(value - big);
        }
    }
}
