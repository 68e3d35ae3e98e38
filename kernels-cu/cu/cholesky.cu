// The factor of GPTQ's damped inverse Hessian, U upper triangular with (H + λI)⁻¹ = UᵀU, as quant.gptq.InverseFactor makes
// it: H is turned around, factored, A = RᵀR (Golub and Van Loan, section 4.2.7), the factor inverted and turned back. Upper
// triangles only; A lies in the memory that U is left in. Every element is one chain of fused multiply-adds in the CPU's
// order, so the bits are the CPU's.
//
// Floor: n³/6 multiply-adds for each of the two halves, and 4·n² bytes a few times. Blocks of 64 rows follow each other; most
// of the work is the product that each leaves behind it.
#include "product.cuh"
#include "subtract.cuh"

#define BLOCK 64
#define GROUPS 4
// The rows of R that the CPU solves together: sums go over what is behind them first.
#define STRIDE 128

// sums: [n, n]; diagonal: [n]
extern "C" __global__ void hessian_diagonal(const float* sums, float* diagonal, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        diagonal[i] = sums[(long long)i * n + i];
    }
}

// The mean of x·xᵀ at row i, column j of sums that are there above the diagonal.
__device__ __forceinline__ float meanAt(const float* sums, int i, int j, int n, float scale) {
    return sums[(long long)min(i, j) * n + max(i, j)] * scale;
}

// H, both halves of it. Grid: x over columns, y over rows, which it strides. sums, read above the diagonal, and h: [n, n]
extern "C" __global__ void hessian_mean(const float* __restrict__ sums, float* __restrict__ h, int n, float scale) {
    int j = blockIdx.x * blockDim.x + threadIdx.x;
    for (int i = blockIdx.y; i < n && j < n; i += gridDim.y) {
        h[(long long)i * n + j] = meanAt(sums, i, j, n, scale);
    }
}

// a = P(H + λI)P above the diagonal, H = scale × sums, with `unit` on the diagonal for channels that are never active. Grid as
// above. order: [n], the channel that stands at each place of H, or null where they stand in their own order
extern "C" __global__ void hessian_reverse(
        const float* __restrict__ sums, const int* __restrict__ order, float* __restrict__ a, int n, float scale,
        double lambda, double unit) {
    int j = blockIdx.x * blockDim.x + threadIdx.x;
    for (int i = blockIdx.y; i < n && j < n; i += gridDim.y) {
        if (j >= i) {
            int row = n - 1 - j;
            int column = n - 1 - i;
            float mean = order == nullptr ? meanAt(sums, row, column, n, scale)
                                          : meanAt(sums, order[row], order[column], n, scale);
            a[(long long)i * n + j] = i != j ? mean : (float)((mean > 0 ? (double)mean : unit) + lambda);
        }
    }
}

__device__ __forceinline__ bool positive(float pivot) { return pivot > 0 && pivot < INFINITY; }

__device__ __forceinline__ float inverseRoot(float pivot) { return (float)(1 / sqrt((double)pivot)); }

// Specification: one thread for all of it. a: [n, n]; failed: set to 1 where a pivot is not positive
extern "C" __global__ void cholesky_naive(float* a, int n, int* failed) {
    for (int i = 0; i < n; i++) {
        float factor = 0;
        for (int j = i; j < n; j++) {
            float value = a[(long long)i * n + j];
            for (int p = 0; p < i; p++) {
                value = fmaf(-a[(long long)p * n + i], a[(long long)p * n + j], value);
            }
            if (j == i) {
                factor = inverseRoot(value);
                if (!positive(value)) {
                    *failed = 1;
                }
            }
            a[(long long)i * n + j] = value * factor;
        }
    }
}

// The block on the diagonal at row k, in shared memory. One block of 256 threads.
// a: [n, n]; factors: [n], receives what each row was multiplied by; failed: as above
extern "C" __global__ void __launch_bounds__(BLOCK * GROUPS) cholesky_block(
        float* a, float* factors, int n, int k, int* failed) {
    __shared__ float tile[BLOCK][BLOCK + 1];
    int size = min(BLOCK, n - k);
    int j = threadIdx.x % BLOCK;
    int group = threadIdx.x / BLOCK;
    for (int i = group; i < BLOCK; i += GROUPS) {
        tile[i][j] = i <= j && j < size ? a[(long long)(k + i) * n + k + j] : 0;
    }
    __syncthreads();
    for (int p = 0; p < size; p++) {
        float pivot = tile[p][p];
        float factor = inverseRoot(pivot);
        __syncthreads();
        if (group == 0 && j >= p) {
            tile[p][j] *= factor;
        }
        if (threadIdx.x == 0) {
            factors[k + p] = factor;
            if (!positive(pivot)) {
                *failed = 1;
            }
        }
        __syncthreads();
        for (int i = p + 1 + group; i <= j; i += GROUPS) {
            tile[i][j] = fmaf(-tile[p][i], tile[p][j], tile[i][j]);
        }
        __syncthreads();
    }
    for (int i = group; i <= j && j < size; i += GROUPS) {
        a[(long long)(k + i) * n + k + j] = tile[i][j];
    }
}

// Rows [k, k + 64) behind their block. A thread for a column, 64 in a block; where there are columns, the block is a whole
// one. a: [n, n]; factors: [n]
extern "C" __global__ void __launch_bounds__(BLOCK) cholesky_panel(
        float* a, const float* __restrict__ factors, int n, int k) {
    __shared__ float block[BLOCK][BLOCK];
    __shared__ float x[BLOCK][BLOCK];
    int lane = threadIdx.x;
    int column = k + BLOCK + blockIdx.x * BLOCK + lane;
    for (int i = 0; i < BLOCK; i++) {
        block[i][lane] = lane >= i ? a[(long long)(k + i) * n + k + lane] : 0;
        x[i][lane] = column < n ? a[(long long)(k + i) * n + column] : 0;
    }
    __syncthreads();
    for (int i = 0; i < BLOCK; i++) {
        float value = x[i][lane];
#pragma unroll 8
        for (int p = 0; p < i; p++) {
            value = fmaf(-block[p][i], x[p][lane], value);
        }
        value *= factors[k + i];
        x[i][lane] = value;
        if (column < n) {
            a[(long long)(k + i) * n + column] = value;
        }
    }
}

// What is left behind rows [k, k + 64): c −= panelᵀ·panel, tiles on and above the diagonal. Grid: ⌈rest / TILE⌉ squared,
// rest = n − k − 64; 256 threads for tiles of 128, 64 for tiles of 32. a: [n, n]
template <int TILE, int SIDE>
__device__ __forceinline__ void behindPanel(float* a, int n, int k) {
    if (blockIdx.x < blockIdx.y) {
        return;
    }
    int first = k + BLOCK;
    const float* panel = a + (long long)k * n + first;
    int rest = n - first;
    product<TILE, SIDE, 8, true, SUBTRACT>(panel, panel, a + (long long)first * n + first, rest, rest, BLOCK, n, n);
}

extern "C" __global__ void __launch_bounds__(256) cholesky_rest_128(float* a, int n, int k) {
    behindPanel<128, 8>(a, n, k);
}

extern "C" __global__ void __launch_bounds__(64) cholesky_rest_32(float* a, int n, int k) { behindPanel<32, 4>(a, n, k); }

// Specification of the inverse: one thread for all of it, the last row first; sums go over the rows behind the row's STRIDE,
// then over the rest of it. r: [n, n], becomes its inverse; line: [n]
extern "C" __global__ void invert_naive(float* r, float* line, int n) {
    for (int i = n - 1; i >= 0; i--) {
        int end = min(n, (i / STRIDE + 1) * STRIDE);
        for (int j = i; j < n; j++) {
            line[j] = r[(long long)i * n + j];
        }
        for (int j = i; j < n; j++) {
            float value = j == i ? 1 : 0;
            for (int p = end; p <= j; p++) {
                value = fmaf(-line[p], r[(long long)p * n + j], value);
            }
            for (int p = i + 1; p < end && p <= j; p++) {
                value = fmaf(-line[p], r[(long long)p * n + j], value);
            }
            r[(long long)i * n + j] = value * (1 / line[i]);
        }
    }
}

// Moves rows [k, k + 64) of R aside and puts those of the identity in their place. Grid: x over columns from k on, y over the
// rows. r: [n, n]; aside: [64, n], row i and column j for row k + i and column j
extern "C" __global__ void invert_begin(float* r, float* aside, int n, int k) {
    int row = blockIdx.y;
    int column = k + blockIdx.x * blockDim.x + threadIdx.x;
    if (column < n) {
        float* at = r + (long long)(k + row) * n + column;
        aside[row * (long long)n + column] = *at;
        *at = column == k + row ? 1 : 0;
    }
}

// Rows [k, k + 64) behind their STRIDE, which ends at row `end`: c −= R·X. X is upper triangular, so no column goes deeper
// than its own row. 256 threads; grid: ⌈(n − end) / 32⌉ × 2. r: [n, n], X from row k + 64 on; aside: [64, n] as invert_begin
// leaves it
extern "C" __global__ void __launch_bounds__(256, 2) invert_rest(
        float* r, const float* __restrict__ aside, int n, int k, int end) {
    int depth = min(n - end, (int)(blockIdx.x + 1) * EDGE);
    subtractProduct(
            aside + end, n, r + (long long)end * n + end, n, r + (long long)k * n + end, n, BLOCK, n - end, depth);
}

// Divides rows [k, k + 64), which the rows behind their STRIDE have been subtracted from, by their block of R, and takes off
// the rows from there to `end`. A thread for a column from k on, 64 in a block. r: [n, n]; aside: [64, n] as above
extern "C" __global__ void __launch_bounds__(BLOCK) invert_block(
        float* r, const float* __restrict__ aside, int n, int k, int end) {
    __shared__ float block[BLOCK][BLOCK];
    __shared__ float x[BLOCK][BLOCK];
    int size = min(BLOCK, n - k);
    int lane = threadIdx.x;
    int column = k + blockIdx.x * BLOCK + lane;
    for (int i = 0; i < BLOCK; i++) {
        block[i][lane] = i < size && lane < size && lane >= i ? aside[i * (long long)n + k + lane] : 0;
        x[i][lane] = i < size && column < n ? r[(long long)(k + i) * n + column] : 0;
    }
    __syncthreads();
    for (int i = size - 1; i >= 0; i--) {
        float value = x[i][lane];
#pragma unroll 8
        for (int p = i + 1; p < size; p++) {
            value = fmaf(-block[i][p], x[p][lane], value);
        }
        // Left of them, X has nothing in those rows.
        for (int p = k + BLOCK; p < end && blockIdx.x > 0 && column < n; p++) {
            value = fmaf(-aside[i * (long long)n + p], r[(long long)p * n + column], value);
        }
        value *= 1 / block[i][i];
        x[i][lane] = value;
        if (column < n) {
            r[(long long)(k + i) * n + column] = value;
        }
    }
}

// U = P·Xᵀ·P in place, zero below the diagonal: (i, j) changes places with (n − 1 − j, n − 1 − i). Grid: x over columns, y
// over rows, which it strides. a: [n, n]
extern "C" __global__ void mirror(float* a, int n) {
    int j = blockIdx.x * blockDim.x + threadIdx.x;
    for (int i = blockIdx.y; i < n && j < n; i += gridDim.y) {
        float* at = a + (long long)i * n + j;
        if (j < i) {
            *at = 0;
        } else if (j < n - 1 - i) {
            float* other = a + (long long)(n - 1 - j) * n + n - 1 - i;
            float value = *at;
            *at = *other;
            *other = value;
        }
    }
}
