// Groups of any length: integers of 2 to 8 bits, NF4, ternary. Byte layouts: quant.GroupedInt, NormalFloat4, Ternary.
//
// A format is a policy with
//   LENGTH                       weights in a block, or 0 where that is given at run time
//   blockBytes(length, zero)     bytes of a block
//   octet(block, at, count, zero, w)   decodes weights [at, at + count) into w, at a multiple of 8, 1 <= count <= 8; the rest
//                                of w is undefined
// zero is the zero point of symmetric integers, −1 where blocks store theirs; formats without zero points ignore it.
#pragma once
#include "formats/bytes.cuh"

template <int BITS>
struct Int {
    static constexpr int LENGTH = 0;

    static __device__ __forceinline__ int codesAt(int zero) { return zero < 0 ? 3 : 2; }

    static __device__ __forceinline__ int blockBytes(int length, int zero) {
        return codesAt(zero) + (length * BITS + 7) / 8;
    }

    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int count, int zero, float (&w)[8]) {
        constexpr uint32_t MASK = (1u << BITS) - 1;
        uint32_t head = zero < 0 ? loadBytes(block, 3).x : load16(block);
        float scale = halfBits(head & 0xFFFF);
        int origin = zero < 0 ? head >> 16 & 0xFF : zero;
        // Eight codes fill BITS bytes.
        int bytes = count == 8 ? BITS : (count * BITS + 7) / 8;
        uint2 words = loadBytes(block + codesAt(zero) + at / 8 * BITS, bytes);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            int shift = i * BITS;
            uint32_t from = shift < 32 ? __funnelshift_r(words.x, words.y, shift) : words.y >> (shift - 32);
            w[i] = scale * (float)((int)(from & MASK) - origin);
        }
    }
};

// Quantiles of a normal distribution (QLoRA, appendix E).
__device__ const float NF4_LEVELS[16] = {
        -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
        -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
        0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

struct NormalFloat4 {
    static constexpr int LENGTH = 0;

    static __device__ __forceinline__ int blockBytes(int length, int) { return 2 + (length + 1) / 2; }

    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int count, int, float (&w)[8]) {
        float scale = loadHalf(block);
        uint32_t codes = loadBytes(block + 2 + at / 2, (count + 1) / 2).x;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            w[i] = scale * NF4_LEVELS[codes >> 4 * i & 15];
        }
    }
};

struct Ternary {
    static constexpr int LENGTH = 0;

    static __device__ __forceinline__ int blockBytes(int length, int) { return 2 + (length + 4) / 5; }

    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int count, int, float (&w)[8]) {
        float scale = loadHalf(block);
        int first = at / 5;
        uint32_t bytes = loadBytes(block + 2 + first, (at + count - 1) / 5 - first + 1).x;
        int digit = at - 5 * first;
        uint32_t rest = bytes & 0xFF;
        for (int i = 0; i < digit; i++) {
            rest /= 3;
        }
#pragma unroll
        for (int i = 0; i < 8; i++) {
            w[i] = scale * (float)((int)(rest % 3) - 1);
            rest /= 3;
            if (++digit == 5) {
                digit = 0;
                bytes >>= 8;
                rest = bytes & 0xFF;
            }
        }
    }
};

#define GROUPED_FORMATS(F) \
    F(int2, Int<2>) F(int3, Int<3>) F(int4, Int<4>) F(int5, Int<5>) F(int6, Int<6>) F(int7, Int<7>) F(int8, Int<8>) \
    F(nf4, NormalFloat4) F(ternary, Ternary)
