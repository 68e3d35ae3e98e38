// sums[i] = Σ over rows of x[row][i]², in double: what a calibration counts.
//
// Floor: reads 4·rows·columns bytes; 1 double multiply-add per element.

#define COLUMNS 32
#define GROUPS 8

// Specification: one thread for a column. x: [rows, columns]; sums: [columns]
extern "C" __global__ void column_squares_naive(const float* x, int rows, int columns, double* sums) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= columns) {
        return;
    }
    double sum = 0;
    for (int row = 0; row < rows; row++) {
        double value = x[(long long)row * columns + column];
        sum += value * value;
    }
    sums[column] = sum;
}

// A block of 256 threads for 32 columns: 8 groups of rows side by side, added up in their order.
// x: [rows, columns]; sums: [columns]
extern "C" __global__ void column_squares(
        const float* __restrict__ x, int rows, int columns, double* __restrict__ sums) {
    __shared__ double shared[GROUPS][COLUMNS];
    int lane = threadIdx.x % COLUMNS;
    int group = threadIdx.x / COLUMNS;
    int column = blockIdx.x * COLUMNS + lane;
    double sum = 0;
    if (column < columns) {
        for (int row = group; row < rows; row += GROUPS) {
            double value = x[(long long)row * columns + column];
            sum = fma(value, value, sum);
        }
    }
    shared[group][lane] = sum;
    __syncthreads();
    if (group == 0 && column < columns) {
        for (int other = 1; other < GROUPS; other++) {
            sum += shared[other][lane];
        }
        sums[column] = sum;
    }
}
