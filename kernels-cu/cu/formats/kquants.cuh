// GGUF's k-quants: 256 weights whose sub-blocks' scales are integers themselves. Byte layouts: quant.ggml.KAffine, KSigned and
// KScales. See formats/grouped.cuh for what a policy is; blocks are always whole, so count is 8.
#pragma once
#include "formats/ggml.cuh"

// The scale and offset of a sub-block: d × scale and −(dmin × minimum), each rounded, super: d and dmin as fp16 bits.
__device__ __forceinline__ void withMinimum(Octet codes, uint32_t super, int scale, int minimum, float (&w)[8]) {
    float step = halfBits(super & 0xFFFF) * (float)scale;
    affine(codes, step, -(halfBits(super >> 16) * (float)minimum), w);
}

// Six-bit scale and minimum of sub-block j out of the twelve bytes of q4_k and q5_k.
__device__ __forceinline__ int2 sixBits(const uint8_t* bytes, int j) {
    if (j < 4) {
        return make_int2(bytes[j] & 63, bytes[j + 4] & 63);
    }
    int both = bytes[j + 4];
    return make_int2((both & 15) | (bytes[j - 4] >> 2 & 48), both >> 4 | (bytes[j] >> 2 & 48));
}

struct Q2K : Whole<256, 84> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        int both = block[at / 16];
        withMinimum(plane<2, 32>(block + 16, at), load32(block + 80), both & 15, both >> 4, w);
    }
};

struct Q4K : Whole<256, 144> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        int2 scales = sixBits(block + 4, at / 32);
        withMinimum(plane<4, 32>(block + 16, at), load32(block), scales.x, scales.y, w);
    }
};

struct Q5K : Whole<256, 176> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        int2 scales = sixBits(block + 4, at / 32);
        Octet codes = join<4>(plane<4, 32>(block + 48, at), plane<1, 32>(block + 16, at));
        withMinimum(codes, load32(block), scales.x, scales.y, w);
    }
};

struct Q3K : Whole<256, 110> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        int j = at / 16;
        int low = block[96 + j % 8] >> 4 * (j / 8) & 15;
        int high = block[104 + j % 4] >> 2 * (j / 4) & 3;
        int scale = (low | high << 4) - 32;
        Octet codes = join<2>(plane<2, 32>(block + 32, at), plane<1, 32>(block, at));
        scaled(codes, loadHalf(block + 108) * (float)scale, 4, w);
    }
};

struct Q6K : Whole<256, 210> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        int scale = (int8_t)block[192 + at / 16];
        Octet codes = join<4>(plane<4, 64>(block, at), plane<2, 32>(block + 128, at));
        scaled(codes, loadHalf(block + 208) * (float)scale, 32, w);
    }
};

#define K_FORMATS(F) F(q2_k, Q2K) F(q3_k, Q3K) F(q4_k, Q4K) F(q5_k, Q5K) F(q6_k, Q6K)
