// GGUF's block types with one scale, or a scale for each sub-block without a super-scale. Byte layouts: the classes of
// quant.ggml, and ggml-common.h of llama.cpp. See formats/grouped.cuh for what a policy is; blocks are always whole, so
// count is 8.
#pragma once
#include "formats/bytes.cuh"

template <int WEIGHTS, int BYTES>
struct Whole {
    static constexpr int LENGTH = WEIGHTS;

    static __device__ __forceinline__ int blockBytes(int, int) { return BYTES; }
};

struct Q4_0 : Whole<32, 18> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        scaled(plane<4, 16>(block + 2, at), loadHalf(block), 8, w);
    }
};

struct Q4_1 : Whole<32, 20> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        uint32_t head = load32(block);
        affine(plane<4, 16>(block + 4, at), halfBits(head & 0xFFFF), halfBits(head >> 16), w);
    }
};

struct Q5_0 : Whole<32, 22> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        Octet codes = join<4>(plane<4, 16>(block + 6, at), spread1(block[2 + at / 8]));
        scaled(codes, loadHalf(block), 16, w);
    }
};

struct Q5_1 : Whole<32, 24> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        uint32_t head = load32(block);
        Octet codes = join<4>(plane<4, 16>(block + 8, at), spread1(block[4 + at / 8]));
        affine(codes, halfBits(head & 0xFFFF), halfBits(head >> 16), w);
    }
};

struct Q8_0 : Whole<32, 34> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        float scale = loadHalf(block);
        uint2 words = loadBytes(block + 2 + at, 8);
        Octet codes = {words.x, words.y};
#pragma unroll
        for (int i = 0; i < 8; i++) {
            w[i] = scale * (float)(int8_t)codes[i];
        }
    }
};

struct Q2_0 : Whole<64, 18> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        scaled(spread2(load16(block + 2 + at / 4)), loadHalf(block), 1, w);
    }
};

struct Q1_0 : Whole<128, 18> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        float scale = loadHalf(block);
        Octet codes = spread1(block[2 + at / 8]);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            w[i] = codes[i] == 0 ? -scale : scale;
        }
    }
};

// Levels −127, −104, −83, −65, −49, −35, −22, −10, 1, 13, 25, 38, 53, 69, 89, 113 as signed bytes.
__device__ __forceinline__ void unevenLevels(Octet codes, float scale, float (&w)[8]) {
    lookedUp(codes, scale, 0xBFAD9881u, 0xF6EADDCFu, 0x26190D01u, 0x71594535u, w);
}

struct Iq4Nl : Whole<32, 18> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        unevenLevels(plane<4, 16>(block + 2, at), loadHalf(block), w);
    }
};

struct Iq4Xs : Whole<256, 136> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        uint32_t head = load32(block);
        int sub = at / 32;
        int low = block[4 + sub / 2] >> 4 * (sub % 2) & 15;
        int code = (low | (head >> 16 >> 2 * sub & 3) << 4) - 32;
        unevenLevels(plane<4, 16>(block + 8, at), halfBits(head & 0xFFFF) * (float)code, w);
    }
};

// Doubled E2M1 levels 0, 1, 2, 3, 4, 6, 8, 12 and their negatives as signed bytes; scales are halved in turn.
__device__ __forceinline__ void tinyFloats(Octet codes, float scale, float (&w)[8]) {
    lookedUp(codes, scale, 0x03020100u, 0x0C080604u, 0xFDFEFF00u, 0xF4F8FAFCu, w);
}

struct Mxfp4 : Whole<32, 17> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        uint32_t code = block[0];
        // 2^(code − 128), subnormal for the first two.
        float scale = __uint_as_float(code < 2 ? 0x00200000u << code : (code - 1) << 23);
        tinyFloats(plane<4, 16>(block + 1, at), scale, w);
    }
};

struct Nvfp4 : Whole<64, 36> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        uint32_t code = block[at / 16];
        uint32_t exponent = code >> 3 & 15;
        uint32_t mantissa = code & 7;
        float scale = exponent == 0 ? (float)mantissa * 0x1p-10f
                                    : __uint_as_float((exponent + 119) << 23 | mantissa << 20);
        // E4M3's NaN is read as 0, as the reference does.
        scale = code == 0x7F ? 0 : scale;
        tinyFloats(plane<4, 8>(block + 4, at), scale, w);
    }
};

struct Tq2_0 : Whole<256, 66> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        scaled(plane<2, 32>(block, at), loadHalf(block + 64), 1, w);
    }
};

// Five base-3 digits to a byte, read as the fraction byte / 256 from the first digit on.
struct Tq1_0 : Whole<256, 54> {
    static __device__ __forceinline__ void octet(const uint8_t* block, int at, int, int, float (&w)[8]) {
        float scale = loadHalf(block + 52);
#pragma unroll
        for (int i = 0; i < 8; i++) {
            int p = at + i;
            int digit = p < 160 ? p / 32 : p < 240 ? (p - 160) / 16 : (p - 240) / 4;
            int byte = p < 160 ? p % 32 : p < 240 ? 32 + p % 16 : 48 + p % 4;
            uint32_t power = digit == 0 ? 1 : digit == 1 ? 3 : digit == 2 ? 9 : digit == 3 ? 27 : 81;
            int code = (block[byte] * power & 0xFF) * 3 >> 8;
            w[i] = scale * (float)(code - 1);
        }
    }
};

// Those that are common enough for kernels of their own on tensor cores; PackedFormat.fused names them, too.
#define GGML_FUSED(F) F(q4_0, Q4_0) F(q8_0, Q8_0) F(iq4_nl, Iq4Nl) F(iq4_xs, Iq4Xs) F(mxfp4, Mxfp4)

#define GGML_FORMATS(F) \
    GGML_FUSED(F) \
    F(q4_1, Q4_1) F(q5_0, Q5_0) F(q5_1, Q5_1) F(q2_0, Q2_0) F(q1_0, Q1_0) F(nvfp4, Nvfp4) F(tq1_0, Tq1_0) \
    F(tq2_0, Tq2_0)
