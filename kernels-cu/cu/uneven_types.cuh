// The published grids of GGUF's types with uneven levels, as quant.ggml.UnevenFormat and TinyFloatFormat have them: iq4_nl,
// mxfp4, nvfp4.
#pragma once
#include "block_rows.cuh"
#include "uneven.cuh"

struct Iq4Nl {
    uint16_t stored;
    float inverse;
    int fallbacks = 0;

    static __device__ __forceinline__ int bytes(int) { return 2 + 16; }

    __device__ __forceinline__ Iq4Nl(const float* w, int) {
        bool zeros = true;
        for (int i = 0; i < 32; i++) {
            zeros &= saturated(w[i], fallbacks) == 0;
        }
        int seen = 0;
        float scale = Uneven::scale([&](int i) { return saturated(w[i], seen); });
        stored = nearestHalf(scale);
        inverse = Uneven::inverse(scale);
        fallbacks += halfValue(stored) == 0 && !zeros;
    }

    __device__ __forceinline__ int code(int, float weight) const { return Uneven::code(mul(finite(weight), inverse)); }

    __device__ __forceinline__ float value(int, int code) const {
        return mul(halfValue(stored), Uneven::level(code));
    }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        putHalves<4>(codes, bytes + 2);
    }
};

// E2M1 numbers, doubled, on a scale that is halved: which decides how tiny products round.
struct Half4 {
    float step;

    static __device__ __forceinline__ float level(int code) {
        return code <= 4 ? code : code == 5 ? 6 : code == 6 ? 8 : 12;
    }

    // The level with the least fp32 error; in the middle of two the smaller, and +0 before −0.
    __device__ __forceinline__ int code(int, float weight) const {
        float x = finite(weight);
        float magnitude = fabsf(x);
        if (!(magnitude > 0 && step > 0)) {
            return 0;
        }
        int whole = (int)fminf(12, magnitude / step);
        int code = whole <= 4 ? whole : whole < 6 ? 4 : whole < 8 ? 5 : whole < 12 ? 6 : 7;
        if (code < 7) {
            float down = fabsf(sub(mul(level(code), step), magnitude));
            float up = fabsf(sub(mul(level(code + 1), step), magnitude));
            code += up < down ? 1 : 0;
        }
        return x < 0 && code > 0 ? code + 8 : code;
    }

    __device__ __forceinline__ float value(int, int code) const {
        return mul(step, code < 8 ? level(code) : -level(code - 8));
    }
};

// Scale 2^(floor(log2 max |w|) − 2) (OCP Microscaling Formats v1.0, section 6.3).
struct Mxfp4 : Half4 {
    uint8_t exponent;
    static constexpr int fallbacks = 0;

    static __device__ __forceinline__ int bytes(int) { return 1 + 16; }

    __device__ __forceinline__ Mxfp4(const float* w, int) {
        float largest = 0;
        for (int i = 0; i < 32; i++) {
            largest = fmaxf(largest, fabsf(finite(w[i])));
        }
        // Rounded to fp32 first, as in the reference. Nothing comes nearer than 3e-8 to where that rounds elsewhere, so it
        // does not matter whose logarithm this is.
        float logarithm = (float)(log((double)largest) / 0.6931471805599453);
        exponent = largest > 0 ? max(0, (int)floorf(logarithm) - 2 + 127) : 0;
        step = __uint_as_float(exponent < 2 ? 0x00200000u << exponent : (exponent - 1u) << 23);
    }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        bytes[0] = exponent;
        putHalves<4>(codes, bytes + 1);
    }
};

// Scales max |w| / 6 of 16 weights each, as unsigned E4M3 numbers.
struct Nvfp4 {
    static constexpr float LARGEST = 6 * 448;

    uint8_t scales[4];
    int fallbacks = 0;

    static __device__ __forceinline__ int bytes(int) { return 4 + 32; }

    // The nearest E4M3 number, ties upwards, at most 448.
    static __device__ __forceinline__ uint8_t e4m3(float x) {
        uint32_t bits = __float_as_uint(x);
        int exponent = (int)(bits >> 23) - 127 + 7;
        if (exponent <= 0) {
            return x > 0 ? min(7, (int)add(mul(x, 512), 0.5f)) : 0;
        }
        // Three bits of mantissa and half of the fourth; a carry runs into the exponent.
        int code = (int)(((bits >> 19) + 1) >> 1) - ((127 - 7) << 3);
        return exponent >= 15 || code >= 15 << 3 ? 0x7E : code;
    }

    // Half of what the byte stands for.
    static __device__ __forceinline__ float half(uint8_t code) {
        int exponent = code >> 3;
        return exponent == 0 ? (code & 7) * 0x1p-10f : ldexpf(1 + (code & 7) / 8.0f, exponent - 8);
    }

    __device__ __forceinline__ Nvfp4(const float* w, int) {
        bool vanished = false;
        bool flat = true;
#pragma unroll
        for (int run = 0; run < 4; run++) {
            float largest = 0;
            for (int i = 0; i < 16; i++) {
                largest = fmaxf(largest, fabsf(saturated(w[16 * run + i], fallbacks, LARGEST)));
            }
            scales[run] = e4m3(largest / 6);
            flat &= scales[run] == 0;
            vanished |= largest > 0;
        }
        fallbacks += flat && vanished;
    }

    __device__ __forceinline__ Half4 part(int i) const {
        return {half(i < 32 ? (i < 16 ? scales[0] : scales[1]) : (i < 48 ? scales[2] : scales[3]))};
    }

    __device__ __forceinline__ int code(int i, float weight) const { return part(i).code(i, weight); }

    __device__ __forceinline__ float value(int i, int code) const { return part(i).value(i, code); }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
#pragma unroll
        for (int run = 0; run < 4; run++) {
            bytes[run] = scales[run];
            for (int i = 0; i < 8; i++) {
                bytes[4 + 8 * run + i] = codes(16 * run + i) | codes(16 * run + 8 + i) << 4;
            }
        }
    }
};
