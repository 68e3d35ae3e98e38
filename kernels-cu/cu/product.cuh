// Tiles of dense products in fp32.
//
// Floor: 2·m·n·k operations on the fp32 units; a block of TILE × TILE outputs reads 8·TILE bytes for each step of depth, so
// 8·m·n·k / TILE bytes come out of the second cache and 4·(m + n)·k of them out of memory.
#pragma once

// An operand as the tiles see it: value (i, depth) lies at i·pitch + depth, or at depth·pitch + i where it is TRANSPOSED.
template <int TILE, int DEPTH, int THREADS, bool TRANSPOSED>
struct Operand {
    static constexpr int EACH = TILE * DEPTH / THREADS;

    // The element of a tile that a thread moves at step j; neighbours in memory go to neighbouring threads.
    static __device__ __forceinline__ int index(int j) {
        return TRANSPOSED ? (threadIdx.x + j * THREADS) % TILE : threadIdx.x / DEPTH + j * (THREADS / DEPTH);
    }
    static __device__ __forceinline__ int depth(int j) {
        return TRANSPOSED ? (threadIdx.x + j * THREADS) / TILE : threadIdx.x % DEPTH;
    }
    // Where the thread's first element lies, and how far apart its elements are.
    static __device__ __forceinline__ long long origin(int first, int pitch) {
        return TRANSPOSED ? (long long)depth(0) * pitch + first + index(0)
                          : (long long)(first + index(0)) * pitch + depth(0);
    }
    static __device__ __forceinline__ int step(int pitch) {
        return TRANSPOSED ? THREADS / TILE * pitch : THREADS / DEPTH * pitch;
    }
    // count: values of the operand from the tile's first on; k: depth that is left
    static __device__ __forceinline__ void load(
            const float* __restrict__ at, int count, int k, int pitch, float (&held)[EACH]) {
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            held[j] = index(j) < count && depth(j) < k ? at[(long long)j * step(pitch)] : 0;
        }
    }
    static __device__ __forceinline__ void store(const float (&held)[EACH], float (*tile)[TILE + 4]) {
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            tile[depth(j)][index(j)] = held[j];
        }
    }
};

// Which elements of a tile a thread has: SIDE × SIDE, in quads TILE / 2 apart. Its element i lies at row or column
// first + i / 4 · TILE / 2 + i % 4 of the tile.
template <int TILE, int SIDE>
struct Square {
    static constexpr int ACROSS = TILE / SIDE;
    static constexpr int THREADS = ACROSS * ACROSS;

    static __device__ __forceinline__ int row(int i) { return threadIdx.x / ACROSS * 4 + i / 4 * TILE / 2 + i % 4; }
    static __device__ __forceinline__ int column(int j) { return threadIdx.x % ACROSS * 4 + j / 4 * TILE / 2 + j % 4; }
};

// sum += a·bᵀ over one block's tile, or −= where it is NEGATIVE; a thread has a Square of it. The next slice of depth is on
// its way while one is multiplied. Each element is one chain of fused multiply-adds in the order of the depth.
// a: m values wide from the tile's first on, b: n, both k deep
template <int TILE, int SIDE, int DEPTH, bool TRANSPOSED, bool NEGATIVE>
__device__ __forceinline__ void addProducts(
        const float* __restrict__ a,
        const float* __restrict__ b,
        float (&sum)[SIDE][SIDE],
        int m,
        int n,
        int k,
        int pitch) {
    using Own = Square<TILE, SIDE>;
    using Tile = Operand<TILE, DEPTH, Own::THREADS, TRANSPOSED>;
    constexpr int QUADS = SIDE / 4;
    __shared__ __align__(16) float as[DEPTH][TILE + 4];
    __shared__ __align__(16) float bs[DEPTH][TILE + 4];
    int firstRow = blockIdx.y * TILE;
    int firstColumn = blockIdx.x * TILE;
    int down = Own::row(0);
    int right = Own::column(0);
    float nextA[Tile::EACH];
    float nextB[Tile::EACH];
    a += Tile::origin(firstRow, pitch);
    b += Tile::origin(firstColumn, pitch);
    int forward = TRANSPOSED ? DEPTH * pitch : DEPTH;
    Tile::load(a, m - firstRow, k, pitch, nextA);
    Tile::load(b, n - firstColumn, k, pitch, nextB);
    for (int left = k; left > 0; left -= DEPTH) {
        __syncthreads();
        Tile::store(nextA, as);
        Tile::store(nextB, bs);
        __syncthreads();
        if (left > DEPTH) {
            a += forward;
            b += forward;
            Tile::load(a, m - firstRow, left - DEPTH, pitch, nextA);
            Tile::load(b, n - firstColumn, left - DEPTH, pitch, nextB);
        }
#pragma unroll
        for (int d = 0; d < DEPTH; d++) {
            float side[SIDE];
            float top[SIDE];
#pragma unroll
            for (int quad = 0; quad < QUADS; quad++) {
                *(float4*)(side + 4 * quad) = *(const float4*)(&as[d][down + quad * TILE / 2]);
                *(float4*)(top + 4 * quad) = *(const float4*)(&bs[d][right + quad * TILE / 2]);
            }
#pragma unroll
            for (int i = 0; i < SIDE; i++) {
#pragma unroll
                for (int j = 0; j < SIDE; j++) {
                    sum[i][j] = fmaf(NEGATIVE ? -side[i] : side[i], top[j], sum[i][j]);
                }
            }
        }
    }
}

// What happens to c. STORE and ADD sum from zero on; SUBTRACT goes on from c, so that each element stays one chain of fused
// multiply-adds in the order of the depth, wherever callers cut it.
enum Update { STORE, ADD, SUBTRACT };

// One block for a tile of c = a·bᵀ. a: m values wide, b: n, both k deep; c: [m, ·] with rows of ldc
template <int TILE, int SIDE, int DEPTH, bool TRANSPOSED, Update UPDATE>
__device__ __forceinline__ void product(
        const float* __restrict__ a,
        const float* __restrict__ b,
        float* __restrict__ c,
        int m,
        int n,
        int k,
        int pitch,
        int ldc) {
    using Own = Square<TILE, SIDE>;
    int firstRow = blockIdx.y * TILE;
    int firstColumn = blockIdx.x * TILE;
    float sum[SIDE][SIDE];
#pragma unroll
    for (int i = 0; i < SIDE; i++) {
        int row = firstRow + Own::row(i);
#pragma unroll
        for (int j = 0; j < SIDE; j++) {
            int column = firstColumn + Own::column(j);
            sum[i][j] = UPDATE == SUBTRACT && row < m && column < n ? c[(long long)row * ldc + column] : 0;
        }
    }
    addProducts<TILE, SIDE, DEPTH, TRANSPOSED, UPDATE == SUBTRACT>(a, b, sum, m, n, k, pitch);
#pragma unroll
    for (int i = 0; i < SIDE; i++) {
        int row = firstRow + Own::row(i);
        float* to = c + (long long)row * ldc + firstColumn;
#pragma unroll
        for (int j = 0; j < SIDE; j++) {
            int column = Own::column(j);
            if (row < m && firstColumn + column < n) {
                to[column] = UPDATE == ADD ? to[column] + sum[i][j] : sum[i][j];
            }
        }
    }
}
