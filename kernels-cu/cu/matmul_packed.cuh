// y = x·wᵀ on tensor cores straight from packed weights, for rows too many for matvec and too few to decode w first: a weight
// is decoded in registers for every 32 rows of x, rounded to fp16 or bf16 and put where ldmatrix reads it.
//
// Floor: that of mma.cuh with bits-per-weight / 8 bytes for each weight. Specification: matvec_*_naive.
#pragma once
#include "mma.cuh"
#include "numbers.cuh"

template <typename Mma>
__device__ __forceinline__ uint32_t pair(float low, float high);

template <>
__device__ __forceinline__ uint32_t pair<MmaFp16>(float low, float high) {
    uint32_t both;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}

template <>
__device__ __forceinline__ uint32_t pair<MmaBf16>(float low, float high) {
    uint32_t both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}

// Packed rows as an operand: eight weights make a chunk. Blocks must consist of whole octets, or be the whole row.
template <typename Format, typename Mma, int LINES, int THREADS>
struct Packed {
    static constexpr int EACH = LINES * CHUNKS / THREADS;
    const uint8_t* data;
    long long rowBytes;
    int columns;
    int length;
    int zero;
    uint4 held[EACH];

    // Decodes into registers, so that loads are under way while the stage before is multiplied.
    __device__ __forceinline__ void begin(uint32_t, int line, int lines, int chunk, int chunks) {
        int full = Format::LENGTH > 0 ? Format::LENGTH : length;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int number = threadIdx.x + i * THREADS;
            int row = line + number / CHUNKS;
            int column = (chunk + number % CHUNKS) * 8;
            held[i] = make_uint4(0, 0, 0, 0);
            if (row < lines && column < columns) {
                int block = column / full;
                int at = column - block * full;
                int count = min(8, columns - column);
                float w[8];
                const uint8_t* bytes = data + row * rowBytes + (long long)block * Format::blockBytes(full, zero);
                Format::octet(bytes, at, count, zero, w);
#pragma unroll
                for (int e = 0; e < 8; e++) {
                    w[e] = e < count ? w[e] : 0;
                }
                held[i] = make_uint4(
                        pair<Mma>(w[0], w[1]), pair<Mma>(w[2], w[3]), pair<Mma>(w[4], w[5]), pair<Mma>(w[6], w[7]));
            }
        }
    }

    __device__ __forceinline__ void end(uint32_t tile) {
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int number = threadIdx.x + i * THREADS;
            asm volatile("st.shared.v4.b32 [%0], {%1,%2,%3,%4};" ::"r"(tile + placed(number / CHUNKS, number % CHUNKS)),
                         "r"(held[i].x), "r"(held[i].y), "r"(held[i].z), "r"(held[i].w)
                         : "memory");
        }
    }
};

// x: [m, strideX bytes] of the type, chunks of 16 bytes deep, zeros behind the columns; packed: n × rowBytes bytes;
// y: [m, n]. Grid: ⌈n / 64⌉ × ⌈m / 32⌉ blocks of 128 threads.
#define MATMUL_PACKED_AS(NAME, TYPE, MMA, ...) \
    extern "C" __global__ void __launch_bounds__(128) matmul_##NAME##_##TYPE( \
            const uint8_t* x, long long strideX, const uint8_t* packed, long long rowBytes, float* y, int m, int n, \
            int columns, int length, int zero) { \
        Dense<32, 128> left = {x, strideX}; \
        Packed<__VA_ARGS__, MMA, 64, 128> right = {packed, rowBytes, columns, length, zero}; \
        tensorProduct<MMA, 32, 64, 2, 2>(left, right, y, n, m, n, (columns + 7) / 8, false); \
    }

#define MATMUL_PACKED(NAME, ...) \
    MATMUL_PACKED_AS(NAME, fp16, MmaFp16, __VA_ARGS__) \
    MATMUL_PACKED_AS(NAME, bf16, MmaBf16, __VA_ARGS__)
