// The published grids of NF4, ternary and GGUF's types with one scale a block, as org.bitscarp.quant has them: NormalFloat4,
// Ternary, ggml.ScaledInt, ggml.OffsetInt, ggml.TernaryBlocks, ggml.SignBits. Nothing here may be fused to multiply-adds,
// since the CPU rounds products and sums one by one.
#pragma once
#include "block_rows.cuh"

struct NormalFloat4 {
    // QLoRA, appendix E.
    static __device__ __forceinline__ float level(int i) {
        const float levels[16] = {
                -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
                -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
                0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f,
                0.7229568362236023f, 1.0f};
        return levels[i];
    }

    // The same where i is not known beforehand.
    static __device__ __forceinline__ float chosen(int i) {
        float found = level(0);
#pragma unroll
        for (int k = 1; k < 16; k++) {
            found = i == k ? level(k) : found;
        }
        return found;
    }

    // Between two levels; a weight on it goes to the lower one.
    static __device__ __forceinline__ float midpoint(int i) { return add(level(i), level(i + 1)) / 2; }

    uint16_t stored;
    int fallbacks;

    static __device__ __forceinline__ int bytes(int length) { return 2 + (length + 1) / 2; }

    __device__ __forceinline__ NormalFloat4(const float* w, int count) {
        float peak = 0;
        for (int i = 0; i < count; i++) {
            peak = fmaxf(peak, fabsf(finite(w[i])));
        }
        stored = nearestHalf(peak);
        fallbacks = overflowsHalf(peak) || (halfValue(stored) == 0 && peak > 0);
    }

    __device__ __forceinline__ int code(int, float weight) const {
        float scale = halfValue(stored);
        if (scale == 0) {
            return 7;
        }
        float steps = finite(weight) / scale;
        int code = 0;
#pragma unroll
        for (int i = 0; i < 15; i++) {
            code += steps > midpoint(i) ? 1 : 0;
        }
        return code;
    }

    __device__ __forceinline__ float value(int, int code) const { return mul(halfValue(stored), chosen(code)); }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int count, uint8_t* bytes) const {
        putHalf(bytes, stored);
        for (int i = 0; i < count; i += 2) {
            bytes[2 + i / 2] = codes(i) | (i + 1 < count ? codes(i + 1) << 4 : 0);
        }
    }
};

struct Ternary {
    uint16_t stored;
    int fallbacks;

    static __device__ __forceinline__ int bytes(int length) { return 2 + (length + 4) / 5; }

    __device__ __forceinline__ Ternary(const float* w, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += fabsf(finite(w[i]));
        }
        double wanted = sum / count;
        stored = nearestHalf((float)wanted);
        fallbacks = overflowsHalf((float)wanted) || (halfValue(stored) == 0 && wanted > 0);
    }

    // 0, 1 or 2; 1 is zero.
    __device__ __forceinline__ int code(int, float weight) const {
        float scale = halfValue(stored);
        float steps = scale == 0 ? 0 : finite(weight) / scale;
        return 1 + (steps > 0.5f ? 1 : 0) - (steps < -0.5f ? 1 : 0);
    }

    __device__ __forceinline__ float value(int, int code) const { return mul(halfValue(stored), code - 1); }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int count, uint8_t* bytes) const {
        putHalf(bytes, stored);
        for (int i = 0; i < count; i += 5) {
            int digits = 0;
            for (int k = min(5, count - i) - 1; k >= 0; k--) {
                digits = 3 * digits + codes(i + k);
            }
            bytes[2 + i / 5] = digits;
        }
    }
};

// (w − origin)·inverse, up to half a step more, truncated. NaN, from 0·∞, gives 0 as a cast does on the CPU.
__device__ __forceinline__ int halfUp(float weight, float origin, float inverse, float zero, float most) {
    float steps = add(mul(sub(finite(weight), origin), inverse), zero + 0.5f);
    return steps != steps ? 0 : (int)fmaxf(0, fminf(most, steps));
}

// q4_0, q5_0: scale = m / −2^(BITS − 1), m the weight of the largest magnitude, the first of several.
template <int BITS>
struct Mirrored {
    static constexpr int ZERO = 1 << (BITS - 1);

    uint16_t stored;
    float inverse;
    int fallbacks = 0;

    static __device__ __forceinline__ int bytes(int) { return 2 + (BITS == 5 ? 4 : 0) + 16; }

    __device__ __forceinline__ Mirrored(const float* w, int) {
        float largest = 0;
        float peak = 0;
        for (int i = 0; i < 32; i++) {
            float x = saturated(w[i], fallbacks);
            if (largest < fabsf(x)) {
                largest = fabsf(x);
                peak = x;
            }
        }
        float scale = peak / -ZERO;
        stored = nearestHalf(scale);
        inverse = scale != 0 ? 1 / scale : 0;
        fallbacks += halfValue(stored) == 0 && largest > 0;
    }

    __device__ __forceinline__ int code(int, float weight) const { return halfUp(weight, 0, inverse, ZERO, 2 * ZERO - 1); }

    __device__ __forceinline__ float value(int, int code) const { return mul(halfValue(stored), code - ZERO); }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        putHalves<BITS>(codes, bytes + 2);
    }
};

// q4_1, q5_1: scale and minimum span the block's range.
template <int BITS>
struct Offset {
    uint16_t stored;
    uint16_t minimum;
    float low;
    float inverse;
    int fallbacks = 0;

    static __device__ __forceinline__ int bytes(int) { return 4 + (BITS == 5 ? 4 : 0) + 16; }

    __device__ __forceinline__ Offset(const float* w, int) {
        low = saturated(w[0], fallbacks);
        float high = low;
        bool zeros = true;
        for (int i = 0; i < 32; i++) {
            float x = saturated(w[i], fallbacks);
            low = x < low ? x : low;
            high = x > high ? x : high;
            zeros = zeros && x == 0;
        }
        float scale = (high - low) / ((1 << BITS) - 1);
        stored = nearestHalf(scale);
        minimum = nearestHalf(low);
        inverse = scale != 0 ? 1 / scale : 0;
        fallbacks += halfValue(stored) == 0 && halfValue(minimum) == 0 && !zeros;
    }

    __device__ __forceinline__ int code(int, float weight) const { return halfUp(weight, low, inverse, 0, (1 << BITS) - 1); }

    __device__ __forceinline__ float value(int, int code) const {
        return add(mul(halfValue(stored), code), halfValue(minimum));
    }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        putHalf(bytes + 2, minimum);
        putHalves<BITS>(codes, bytes + 4);
    }
};

// Levels LOW to HIGH around zero, scale = |m| / (SPAN ? HIGH : 1); steps are rounded half away from zero.
template <int LENGTH, int LOW, int HIGH, bool SPAN>
struct Centred {
    uint16_t stored;
    float inverse;
    int fallbacks = 0;

    __device__ __forceinline__ explicit Centred(const float* w) {
        float largest = 0;
        for (int i = 0; i < LENGTH; i++) {
            largest = fmaxf(largest, fabsf(saturated(w[i], fallbacks)));
        }
        float scale = SPAN ? largest / HIGH : largest;
        stored = nearestHalf(scale);
        inverse = scale != 0 ? 1 / scale : 0;
        fallbacks += halfValue(stored) == 0 && largest > 0;
    }

    // The level itself where it is a signed byte, else from 0 on.
    static constexpr int ZERO = LOW < -64 ? 0 : -LOW;

    __device__ __forceinline__ int code(int, float weight) const {
        float steps = mul(finite(weight), inverse);
        float clamped = steps != steps ? 0 : fmaxf(LOW, fminf(HIGH, steps));
        int whole = (int)clamped;
        // Twice the rest is exact, and its whole part says whether half a step or more is left.
        return ZERO + whole + (int)(2 * (clamped - whole));
    }

    __device__ __forceinline__ float value(int, int code) const { return mul(halfValue(stored), code - ZERO); }
};

struct Q8 : Centred<32, -127, 127, true> {
    static __device__ __forceinline__ int bytes(int) { return 2 + 32; }

    __device__ __forceinline__ Q8(const float* w, int) : Centred(w) {}

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        for (int i = 0; i < 32; i++) {
            bytes[2 + i] = codes(i);
        }
    }
};

// q2_0, whose code for 2 this leaves to others.
struct Q2 : Centred<64, -1, 2, false> {
    static __device__ __forceinline__ int bytes(int) { return 2 + 16; }

    __device__ __forceinline__ Q2(const float* w, int) : Centred(w) {}

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        for (int i = 0; i < 64; i += 4) {
            int held = 0;
            for (int k = 0; k < 4; k++) {
                held |= codes(i + k) << 2 * k;
            }
            bytes[2 + i / 4] = held;
        }
    }
};

// tq2_0: codes 32 apart share a byte.
struct Tq2 : Centred<256, -1, 1, false> {
    static __device__ __forceinline__ int bytes(int) { return 64 + 2; }

    __device__ __forceinline__ Tq2(const float* w, int) : Centred(w) {}

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        for (int at = 0; at < 64; at++) {
            int held = 0;
            for (int k = 0; k < 4; k++) {
                held |= codes(at / 32 * 128 + at % 32 + 32 * k) << 2 * k;
            }
            bytes[at] = held;
        }
        putHalf(bytes + 64, stored);
    }
};

// tq1_0: five codes to a byte, as the fraction byte / 256 in base 3, rounded up; 32, then 16, then 4 apart.
struct Tq1 : Centred<256, -1, 1, false> {
    static __device__ __forceinline__ int bytes(int) { return 52 + 2; }

    __device__ __forceinline__ Tq1(const float* w, int) : Centred(w) {}

    // count: bytes of the run, and how far apart its codes are; held: codes in a byte
    template <typename Codes>
    static __device__ __forceinline__ void putRun(Codes codes, int first, int count, int held, uint8_t* bytes) {
        for (int at = 0; at < count; at++) {
            int digits = 0;
            for (int k = 0; k < 5; k++) {
                digits = 3 * digits + (k < held ? codes(first + at + k * count) : 0);
            }
            bytes[at] = (digits * 256 + 242) / 243;
        }
    }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        putRun(codes, 0, 32, 5, bytes);
        putRun(codes, 160, 16, 5, bytes + 32);
        putRun(codes, 240, 4, 4, bytes + 48);
        putHalf(bytes + 52, stored);
    }
};

// q1_0: signs, and the mean magnitude.
struct Signs {
    uint16_t stored;
    int fallbacks = 0;

    static __device__ __forceinline__ int bytes(int) { return 2 + 16; }

    __device__ __forceinline__ Signs(const float* w, int) {
        float sum = 0;
        for (int i = 0; i < 128; i++) {
            sum = add(sum, fabsf(saturated(w[i], fallbacks)));
        }
        stored = nearestHalf(sum / 128);
        fallbacks += halfValue(stored) == 0 && sum > 0;
    }

    __device__ __forceinline__ int code(int, float weight) const { return finite(weight) < 0 ? 0 : 1; }

    __device__ __forceinline__ float value(int, int code) const {
        return code == 0 ? -halfValue(stored) : halfValue(stored);
    }

    template <typename Codes>
    __device__ __forceinline__ void put(Codes codes, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        for (int i = 0; i < 128; i += 8) {
            int held = 0;
            for (int k = 0; k < 8; k++) {
                held |= codes(i + k) << k;
            }
            bytes[2 + i / 8] = held;
        }
    }
};
