// Rows by index: gather and scatter-add, for the tokens of an expert and for embeddings, and what embeddings go through
// before the first layer. Rows of packed tables: decode.cuh.
//
// Floor: a gather reads and writes 4·rows·columns bytes each, an addition reads 8 and writes 4 for each value.

// Row i of to = row index[i] of from. One block for a row. from: [·, columns]; index: [gridDim.x]; to: [gridDim.x, columns]
extern "C" __global__ void gather_rows(
        const float* __restrict__ from, const int* __restrict__ index, float* __restrict__ to, int columns) {
    from += (long long)index[blockIdx.x] * columns;
    to += (long long)blockIdx.x * columns;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        to[i] = from[i];
    }
}

// Specification, and the way to go where an index occurs twice: one thread for a column takes the rows in their order.
// x: [·, columns]; index, weights: [rows]; y: [rows, columns]
extern "C" __global__ void add_scaled_rows_naive(
        float* x, const int* index, const float* weights, const float* y, int rows, int columns) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= columns) {
        return;
    }
    for (int row = 0; row < rows; row++) {
        x[(long long)index[row] * columns + column] += weights[row] * y[(long long)row * columns + column];
    }
}

// The same where all indices differ: one block for a row, any order. Shapes as above, gridDim.x rows
extern "C" __global__ void add_scaled_rows(
        float* __restrict__ x,
        const int* __restrict__ index,
        const float* __restrict__ weights,
        const float* __restrict__ y,
        int columns) {
    x += (long long)index[blockIdx.x] * columns;
    y += (long long)blockIdx.x * columns;
    float weight = weights[blockIdx.x];
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        x[i] += weight * y[i];
    }
}

// x = x · scale + positions, each step rounded as on the CPU. x: [rows, columns], n values; positions: [·, columns], of which
// row first + r mod length is for row r, or null
extern "C" __global__ void place_tokens(
        float* __restrict__ x, float scale, const float* __restrict__ positions, int first, int length, int columns,
        long long n) {
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
        float value = __fmul_rn(x[i], scale);
        long long position = first + i / columns % length;
        x[i] = positions == nullptr ? value : __fadd_rn(value, positions[position * columns + i % columns]);
    }
}
