// y = x·wᵀ on tensor cores (mma.sync, sm_80 on), fp32 sums. Both operands are rows of 16-byte chunks: 8 fp16 or bf16 numbers,
// or 4 tf32 ones; what a thread holds of them lies at the same bytes for either size, so one product serves all types.
//
// Floor: m·n·k multiply-adds on tensor cores; reads 16·chunks·(m + n) bytes at least, writes 4·m·n. A block reads
// 64·(M + N) bytes for each 64 bytes of depth.
#pragma once
#include <cstdint>

#define STAGES 3
// Bytes of a row in a tile, and chunks in it.
#define DEPTH 64
#define CHUNKS 4

struct MmaFp16 {
    static __device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
};

struct MmaBf16 {
    static __device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
};

struct MmaTf32 {
    static __device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
        asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
    }
};

// Where a chunk lies in a tile. Two rows share a line of banks; with chunks exchanged by row, the eight rows that ldmatrix
// reads lie in eight different groups of banks.
__device__ __forceinline__ int placed(int row, int chunk) {
    return row * DEPTH + (chunk ^ (row >> 1 & 3)) * 16;
}

__device__ __forceinline__ void loadMatrices(uint32_t (&to)[4], uint32_t from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from)
                 : "memory");
}

// A dense operand, [lines, stride bytes], copied asynchronously; zeros beyond lines and chunks.
template <int LINES, int THREADS>
struct Dense {
    const uint8_t* data;
    long long stride;

    __device__ __forceinline__ void begin(uint32_t tile, int line, int lines, int chunk, int chunks) {
#pragma unroll
        for (int i = 0; i < LINES * CHUNKS / THREADS; i++) {
            int number = threadIdx.x + i * THREADS;
            int row = number / CHUNKS;
            int at = number % CHUNKS;
            bool inside = line + row < lines && chunk + at < chunks;
            const uint8_t* from = inside ? data + (line + row) * stride + (chunk + at) * 16LL : data;
            asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(tile + placed(row, at)), "l"(from),
                         "r"(inside ? 16 : 0)
                         : "memory");
        }
    }

    // What begin left to do when the multiplications of the stage before are through.
    __device__ __forceinline__ void end(uint32_t) {}
};

// Which of a block's M × N outputs a thread of 32·DOWN·ACROSS has: those of mma.sync in its warp's M / DOWN × N / ACROSS.
template <int M, int N, int DOWN, int ACROSS>
struct Fragments {
    static constexpr int ROWS = M / DOWN / 16;
    static constexpr int COLUMNS = N / ACROSS / 8;
    // Shared memory for the tiles of STAGES steps, which are on their way at the same time.
    static constexpr int BYTES = STAGES * (M + N) * DEPTH;

    // The first row and column of the thread's warp.
    static __device__ __forceinline__ int warpRow() { return threadIdx.x / 32 / ACROSS * (M / DOWN); }
    static __device__ __forceinline__ int warpColumn() { return threadIdx.x / 32 % ACROSS * (N / ACROSS); }

    // Where sums[i][j][e] belongs in the tile.
    static __device__ __forceinline__ int row(int i, int e) {
        return warpRow() + 16 * i + e / 2 * 8 + threadIdx.x % 32 / 4;
    }
    static __device__ __forceinline__ int column(int j, int e) {
        return warpColumn() + 8 * j + threadIdx.x % 4 * 2 + e % 2;
    }
};

// The sums of one block's tile, a thread's Fragments of it. Left and Right: operands with begin and end as Dense has them.
// shared: Fragments::BYTES, free again after a barrier
template <typename Mma, int M, int N, int DOWN, int ACROSS, typename Left, typename Right>
__device__ __forceinline__ void tensorSums(
        Left& left,
        Right& right,
        uint8_t* shared,
        int m,
        int n,
        int chunks,
        float (&sums)[M / DOWN / 16][N / ACROSS / 8][4]) {
    using Own = Fragments<M, N, DOWN, ACROSS>;
    constexpr int ROWS = Own::ROWS;
    constexpr int COLUMNS = Own::COLUMNS;
    uint32_t tiles = (uint32_t)__cvta_generic_to_shared(shared);
    int firstRow = blockIdx.y * M;
    int firstColumn = blockIdx.x * N;
    int lane = threadIdx.x % 32;
    int row = Own::warpRow();
    int column = Own::warpColumn();
    int steps = (chunks + CHUNKS - 1) / CHUNKS;

#pragma unroll
    for (int i = 0; i < ROWS; i++) {
#pragma unroll
        for (int j = 0; j < COLUMNS; j++) {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                sums[i][j][e] = 0;
            }
        }
    }

#pragma unroll
    for (int step = 0; step < STAGES - 1; step++) {
        uint32_t tile = tiles + step * (M + N) * DEPTH;
        if (step < steps) {
            left.begin(tile, firstRow, m, step * CHUNKS, chunks);
            right.begin(tile + M * DEPTH, firstColumn, n, step * CHUNKS, chunks);
            right.end(tile + M * DEPTH);
        }
        asm volatile("cp.async.commit_group;" ::: "memory");
    }
    for (int step = 0; step < steps; step++) {
        asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
        __syncthreads();
        int next = step + STAGES - 1;
        uint32_t nextTile = tiles + next % STAGES * (M + N) * DEPTH;
        if (next < steps) {
            left.begin(nextTile, firstRow, m, next * CHUNKS, chunks);
            right.begin(nextTile + M * DEPTH, firstColumn, n, next * CHUNKS, chunks);
        }
        asm volatile("cp.async.commit_group;" ::: "memory");
        uint32_t tile = tiles + step % STAGES * (M + N) * DEPTH;
#pragma unroll
        for (int half = 0; half < CHUNKS / 2; half++) {
            uint32_t a[ROWS][4];
            uint32_t b[COLUMNS / 2][4];
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
                loadMatrices(a[i], tile + placed(row + 16 * i + lane % 16, 2 * half + lane / 16));
            }
#pragma unroll
            for (int j = 0; j < COLUMNS / 2; j++) {
                int line = column + 16 * j + lane / 16 * 8 + lane % 8;
                loadMatrices(b[j], tile + M * DEPTH + placed(line, 2 * half + lane / 8 % 2));
            }
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
#pragma unroll
                for (int j = 0; j < COLUMNS; j++) {
                    Mma::multiply(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
                }
            }
        }
        if (next < steps) {
            right.end(nextTile + M * DEPTH);
        }
    }
}

// y = x·wᵀ, one block for a tile. y: [m, n] in rows of strideY; add: whether y is added to
template <typename Mma, int M, int N, int DOWN, int ACROSS, typename Left, typename Right>
__device__ __forceinline__ void tensorProduct(
        Left left, Right right, float* y, long long strideY, int m, int n, int chunks, bool add) {
    using Own = Fragments<M, N, DOWN, ACROSS>;
    __shared__ __align__(128) uint8_t shared[Own::BYTES];
    float sums[Own::ROWS][Own::COLUMNS][4];
    tensorSums<Mma, M, N, DOWN, ACROSS>(left, right, shared, m, n, chunks, sums);
#pragma unroll
    for (int i = 0; i < Own::ROWS; i++) {
#pragma unroll
        for (int j = 0; j < Own::COLUMNS; j++) {
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int r = blockIdx.y * M + Own::row(i, e);
                int c = blockIdx.x * N + Own::column(j, e);
                if (r < m && c < n) {
                    float* to = y + r * strideY + c;
                    *to = add ? *to + sums[i][j][e] : sums[i][j][e];
                }
            }
        }
    }
}
