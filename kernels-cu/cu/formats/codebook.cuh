// GGUF's types whose codes name points of a codebook of eight or four weights, iq1 to iq3. Byte layouts: quant.ggml.Iq1, Iq2,
// Iq3. See formats/grouped.cuh for what a policy is; blocks are always whole, so count is 8.
#pragma once
#include "formats/codebooks.cuh"
#include "formats/ggml.cuh"

// Eight signs from seven bits: the number of minus signs is even.
__device__ __forceinline__ uint32_t evenSigns(uint32_t seven) {
    return seven | (__popc(seven) & 1) << 7;
}

// w[i] = scale × magnitude, negative where bit i of signs is set.
__device__ __forceinline__ void put(int i, int magnitude, float scale, uint32_t signs, float (&w)[8]) {
    float value = scale * (float)magnitude;
    w[i] = signs >> i & 1 ? -value : value;
}

// Eight magnitudes 8, 25, 43 out of two bits each.
__device__ __forceinline__ void eighths(uint32_t point, float scale, uint32_t signs, float (&w)[8]) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        put(i, 0x2B1908 >> 8 * (point >> 2 * i & 3) & 0xFF, scale, signs, w);
    }
}

// (½ + code) × d / 4.
__device__ __forceinline__ float quarters(float d, uint32_t code) {
    return d * (0.5f + (float)code) * 0.25f;
}

struct Iq2Xxs : Whole<256, 66> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        const uint8_t* group = block + 2 + 8 * (at / 32);
        int octet = at / 8 % 4;
        uint32_t rest = load32(group + 4);
        uint32_t signs = evenSigns(rest >> 7 * octet & 127);
        eighths(OCTETS_256[group[octet]], quarters(loadHalf(block), rest >> 28), signs, w);
    }
};

// The four-bit scale of sixteen weights, two to a byte.
__device__ __forceinline__ uint32_t nibble(const uint8_t* scales, int at) {
    return scales[at / 32] >> 4 * (at / 16 % 2) & 15;
}

struct Iq2Xs : Whole<256, 74> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        uint32_t code = load16(block + 2 + at / 4);
        float scale = quarters(loadHalf(block), nibble(block + 66, at));
        eighths(OCTETS_512[code & 511], scale, evenSigns(code >> 9), w);
    }
};

struct Iq2S : Whole<256, 82> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        int octet = at / 8;
        int high = block[66 + octet / 4] >> 2 * (octet % 4) & 3;
        float scale = quarters(loadHalf(block), nibble(block + 74, at));
        eighths(OCTETS_1024[block[2 + octet] | high << 8], scale, block[34 + octet], w);
    }
};

struct Iq3Xxs : Whole<256, 98> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        uint32_t rest = load32(block + 66 + 4 * (at / 32));
        float scale = loadHalf(block) * (0.5f + (float)(rest >> 28)) * 0.5f;
        uint32_t signs = evenSigns(rest >> 7 * (at / 8 % 4) & 127);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            uint32_t index = QUARTETS_256[block[2 + at / 4 + i / 4]] >> 3 * (i % 4) & 7;
            // 4, 12, … 52, and 62 in place of 60.
            put(i, 4 + 8 * index + (index == 7 ? 2 : 0), scale, signs, w);
        }
    }
};

struct Iq3S : Whole<256, 110> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        int group = at / 32;
        float scale = loadHalf(block) * (float)(1 + 2 * (block[106 + group / 2] >> 4 * (group % 2) & 15));
        uint32_t signs = block[74 + at / 8];
#pragma unroll
        for (int i = 0; i < 8; i++) {
            int quartet = at / 4 + i / 4;
            int high = block[66 + group] >> quartet % 8 & 1;
            uint32_t index = QUARTETS_512[block[2 + quartet] | high << 8] >> 3 * (i % 4) & 7;
            put(i, 2 * index + 1, scale, signs, w);
        }
    }
};

// Eight weights −1, 0, 1 out of two bits each, shifted by ±⅛.
__device__ __forceinline__ void shifted(uint32_t point, float scale, bool down, float (&w)[8]) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        w[i] = scale * ((float)((int)(point >> 2 * i & 3) - 1) + (down ? -0.125f : 0.125f));
    }
}

struct Iq1S : Whole<256, 50> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        uint32_t high = load16(block + 34 + 2 * (at / 32));
        float scale = loadHalf(block) * (float)(2 * (high >> 12 & 7) + 1);
        uint32_t point = block[2 + at / 8] | (high >> 3 * (at / 8 % 4) & 7) << 8;
        shifted(TERNARY[point], scale, high & 0x8000, w);
    }
};

struct Iq1M : Whole<256, 56> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        // The upper nibbles of four numbers are the super-scale.
        uint2 words = loadBytes(block + 48, 8);
        uint32_t d = (words.x >> 12 & 15) | (words.x >> 28) << 4 | (words.y >> 12 & 15) << 8 | (words.y >> 28) << 12;
        int group = at / 32;
        uint32_t scales = load16(block + 48 + 2 * (group / 2)) >> 6 * (group % 2);
        float scale = halfBits(d) * (float)(2 * (scales >> 3 * (at / 16 % 2) & 7) + 1);
        uint32_t high = block[32 + at / 16] >> 4 * (at / 8 % 2);
        shifted(TERNARY[block[at / 8] | (high & 7) << 8], scale, high & 8, w);
    }
};

#define CODEBOOK_FORMATS(F) \
    F(iq1_s, Iq1S) F(iq1_m, Iq1M) F(iq2_xxs, Iq2Xxs) F(iq2_xs, Iq2Xs) F(iq2_s, Iq2S) F(iq3_xxs, Iq3Xxs) F(iq3_s, Iq3S)
