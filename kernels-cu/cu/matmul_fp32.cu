// Products of dense fp32 matrices in fp32: y = x·wᵀ, and the Hessian update sums += xᵀ·x.
//
// Floor: m·n·k fused multiply-adds; reads 4·k·(m + n) bytes at least, writes 4·m·n (reads them, too, when it adds).
// Blocks of 128 × 128 outputs read each operand m/128 or n/128 times.
#include <cstdint>

#define DEPTH 16

// Specification: one thread for an output, summed in double. x: [m, k], w: [n, k], y: [m, n]
extern "C" __global__ void matmul_naive(const float* x, const float* w, float* y, int m, int n, int k) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int row = blockIdx.y;
    if (column >= n) {
        return;
    }
    double sum = 0;
    for (int i = 0; i < k; i++) {
        sum += (double)x[(long long)row * k + i] * w[(long long)column * k + i];
    }
    y[(long long)row * n + column] = (float)sum;
}

// Specification: sums[i][j] += Σ over rows of x[row][i]·x[row][j] for i in [first, first + count), j >= first; one thread for
// an element. x: [rows, columns], sums: [columns, columns]
extern "C" __global__ void outer_naive(const float* x, float* sums, int first, int count, int rows, int columns) {
    int j = first + blockIdx.x * blockDim.x + threadIdx.x;
    int i = first + blockIdx.y;
    if (j >= columns) {
        return;
    }
    double sum = sums[(long long)i * columns + j];
    for (int row = 0; row < rows; row++) {
        sum += (double)x[(long long)row * columns + i] * x[(long long)row * columns + j];
    }
    sums[(long long)i * columns + j] = (float)sum;
}

// Four neighbours of one line of a matrix, zeros beyond its end.
__device__ __forceinline__ float4 four(const float* line, int at, int end, bool aligned) {
    if (aligned && at + 4 <= end) {
        return __ldg((const float4*)(line + at));
    }
    float4 v = make_float4(0, 0, 0, 0);
    if (at < end) v.x = __ldg(line + at);
    if (at + 1 < end) v.y = __ldg(line + at + 1);
    if (at + 2 < end) v.z = __ldg(line + at + 2);
    if (at + 3 < end) v.w = __ldg(line + at + 3);
    return v;
}

// SIDE lines (rows or columns of the product) by DEPTH steps of one operand on its way into shared memory.
// DOWN: the operand is [lines, k]; else it is [k, lines].
template <int SIDE, int THREADS, bool DOWN>
struct Slab {
    static constexpr int LOADS = SIDE * DEPTH / 4 / THREADS;
    float4 held[LOADS];

    __device__ __forceinline__ void load(
            const float* from, int stride, int line, int lines, int step, int k, bool aligned) {
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            int number = threadIdx.x + i * THREADS;
            if (DOWN) {
                int row = line + number / (DEPTH / 4);
                bool inside = row < lines;
                const float* p = from + (long long)(inside ? row : 0) * stride;
                held[i] = four(p, step + number % (DEPTH / 4) * 4, inside ? k : 0, aligned);
            } else {
                int row = step + number / (SIDE / 4);
                bool inside = row < k;
                const float* p = from + (long long)(inside ? row : 0) * stride;
                held[i] = four(p, line + number % (SIDE / 4) * 4, inside ? lines : 0, aligned);
            }
        }
    }

    __device__ __forceinline__ void store(float (*to)[SIDE + 4]) {
#pragma unroll
        for (int i = 0; i < LOADS; i++) {
            int number = threadIdx.x + i * THREADS;
            if (DOWN) {
                int row = number / (DEPTH / 4);
                int step = number % (DEPTH / 4) * 4;
                to[step][row] = held[i].x;
                to[step + 1][row] = held[i].y;
                to[step + 2][row] = held[i].z;
                to[step + 3][row] = held[i].w;
            } else {
                *(float4*)&to[number / (SIDE / 4)][number % (SIDE / 4) * 4] = held[i];
            }
        }
    }
};

// A block of (M / TM)·(N / TN) threads for M × N outputs; a thread has TM × TN of them, in groups of four by four that lie
// M·4/TM and N·4/TN apart so that reads of shared memory are free of conflicts. The next slabs are loaded into registers
// while this one is multiplied; two buffers leave one barrier per slab.
template <int M, int N, int TM, int TN, bool DOWN>
__device__ __forceinline__ void product(
        const float* a, int strideA, const float* b, int strideB, float* c, int strideC, int m, int n, int k, bool add) {
    constexpr int ACROSS = N / TN;
    constexpr int THREADS = M / TM * ACROSS;
    __shared__ __align__(16) float sharedA[2][DEPTH][M + 4];
    __shared__ __align__(16) float sharedB[2][DEPTH][N + 4];
    int firstRow = blockIdx.y * M;
    int firstColumn = blockIdx.x * N;
    int row = threadIdx.x / ACROSS * 4;
    int column = threadIdx.x % ACROSS * 4;
    bool alignedA = strideA % 4 == 0 && (uintptr_t)a % 16 == 0;
    bool alignedB = strideB % 4 == 0 && (uintptr_t)b % 16 == 0;

    float sums[TM][TN];
#pragma unroll
    for (int i = 0; i < TM; i++) {
#pragma unroll
        for (int j = 0; j < TN; j++) {
            sums[i][j] = 0;
        }
    }

    Slab<M, THREADS, DOWN> slabA;
    Slab<N, THREADS, DOWN> slabB;
    slabA.load(a, strideA, firstRow, m, 0, k, alignedA);
    slabB.load(b, strideB, firstColumn, n, 0, k, alignedB);
    int buffer = 0;
    for (int step = 0; step < k; step += DEPTH, buffer ^= 1) {
        slabA.store(sharedA[buffer]);
        slabB.store(sharedB[buffer]);
        __syncthreads();
        if (step + DEPTH < k) {
            slabA.load(a, strideA, firstRow, m, step + DEPTH, k, alignedA);
            slabB.load(b, strideB, firstColumn, n, step + DEPTH, k, alignedB);
        }
#pragma unroll
        for (int p = 0; p < DEPTH; p++) {
            float4 left[TM / 4];
            float4 right[TN / 4];
#pragma unroll
            for (int i = 0; i < TM / 4; i++) {
                left[i] = *(float4*)&sharedA[buffer][p][row + i * (M * 4 / TM)];
            }
#pragma unroll
            for (int j = 0; j < TN / 4; j++) {
                right[j] = *(float4*)&sharedB[buffer][p][column + j * (N * 4 / TN)];
            }
#pragma unroll
            for (int i = 0; i < TM; i++) {
                float4 l = left[i / 4];
                float x = i % 4 == 0 ? l.x : i % 4 == 1 ? l.y : i % 4 == 2 ? l.z : l.w;
#pragma unroll
                for (int j = 0; j < TN / 4; j++) {
                    sums[i][4 * j] = fmaf(x, right[j].x, sums[i][4 * j]);
                    sums[i][4 * j + 1] = fmaf(x, right[j].y, sums[i][4 * j + 1]);
                    sums[i][4 * j + 2] = fmaf(x, right[j].z, sums[i][4 * j + 2]);
                    sums[i][4 * j + 3] = fmaf(x, right[j].w, sums[i][4 * j + 3]);
                }
            }
        }
    }

#pragma unroll
    for (int i = 0; i < TM; i++) {
        int r = firstRow + row + i / 4 * (M * 4 / TM) + i % 4;
        if (r >= m) {
            continue;
        }
        float* line = c + (long long)r * strideC;
#pragma unroll
        for (int j = 0; j < TN; j++) {
            int at = firstColumn + column + j / 4 * (N * 4 / TN) + j % 4;
            if (at < n) {
                line[at] = add ? line[at] + sums[i][j] : sums[i][j];
            }
        }
    }
}

// y = x·wᵀ. x: [m, k], w: [n, k], y: [m, n]. Grid: ⌈n / side⌉ × ⌈m / side⌉, side 128 or 32.
extern "C" __global__ void __launch_bounds__(256) matmul_large(
        const float* x, const float* w, float* y, int m, int n, int k) {
    product<128, 128, 8, 8, true>(x, k, w, k, y, n, m, n, k, false);
}

extern "C" __global__ void __launch_bounds__(64) matmul_small(
        const float* x, const float* w, float* y, int m, int n, int k) {
    product<32, 32, 4, 4, true>(x, k, w, k, y, n, m, n, k, false);
}

// sums[i][j] += Σ over rows of x[row][i]·x[row][j] for i in [first, first + count), j >= first.
// x: [rows, columns]; sums: [columns, columns]. Grid: ⌈(columns − first) / side⌉ × ⌈count / side⌉, side 128 or 32.
extern "C" __global__ void __launch_bounds__(256) outer_large(
        const float* x, float* sums, int first, int count, int rows, int columns) {
    sums += (long long)first * columns + first;
    product<128, 128, 8, 8, false>(
            x + first, columns, x + first, columns, sums, columns, count, columns - first, rows, true);
}

extern "C" __global__ void __launch_bounds__(64) outer_small(
        const float* x, float* sums, int first, int count, int rows, int columns) {
    sums += (long long)first * columns + first;
    product<32, 32, 4, 4, false>(
            x + first, columns, x + first, columns, sums, columns, count, columns - first, rows, true);
}
