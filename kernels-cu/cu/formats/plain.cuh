// Weights as plain floats; a block is a row. See formats/grouped.cuh for what a policy is.
#pragma once
#include "formats/bytes.cuh"

struct Fp32 {
    static constexpr int LENGTH = 0;

    static __device__ __forceinline__ int blockBytes(int length, int) { return 4 * length; }

    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int count, int, float (&w)[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            w[i] = i < count ? __uint_as_float(load32(block + 4 * (at + i))) : 0;
        }
    }
};

struct Fp16 {
    static constexpr int LENGTH = 0;

    static __device__ __forceinline__ int blockBytes(int length, int) { return 2 * length; }

    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int count, int, float (&w)[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            w[i] = i < count ? loadHalf(block + 2 * (at + i)) : 0;
        }
    }
};

struct Bf16 {
    static constexpr int LENGTH = 0;

    static __device__ __forceinline__ int blockBytes(int length, int) { return 2 * length; }

    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int count, int, float (&w)[8]) {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            w[i] = i < count ? __uint_as_float(load16(block + 2 * (at + i)) << 16) : 0;
        }
    }
};

#define PLAIN_FORMATS(F) F(fp32, Fp32) F(fp16, Fp16) F(bf16, Bf16)
