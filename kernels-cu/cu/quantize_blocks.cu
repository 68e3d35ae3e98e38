// Round-to-nearest onto the published grids of NF4, ternary and GGUF's types with one scale a block, to the bytes that
// org.bitscarp.quant writes: NormalFloat4, Ternary, ggml.ScaledInt, ggml.OffsetInt. Nothing here may be fused to
// multiply-adds, since the CPU rounds products and sums one by one.
//
// Floor: reads 4 bytes per weight twice (the second time from a cache), writes bits-per-weight / 8. A thread has a block to
// itself, as sums and the first of equals follow the order of its weights; a cache line of weights serves one thread, but all
// of the line and at once.
#include "half_scale.cuh"

// Quantizers are policies, made from a block's weights, with
//   bytes(length)        bytes of a block
//   put(w, count, bytes) rounds the block
//   fallbacks            how often the grid left the published rule

struct NormalFloat4 {
    // Between the levels of NF4 (QLoRA, appendix E): a weight on one of them goes to the lower level.
    static __device__ __forceinline__ float midpoint(int i) {
        const float levels[16] = {
                -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
                -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
                0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f,
                0.7229568362236023f, 1.0f};
        return __fadd_rn(levels[i], levels[i + 1]) / 2;
    }

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

    __device__ __forceinline__ int code(float weight) const {
        float scale = halfValue(stored);
        if (scale == 0) {
            return 7;
        }
        float level = finite(weight) / scale;
        int code = 0;
#pragma unroll
        for (int i = 0; i < 15; i++) {
            code += level > midpoint(i) ? 1 : 0;
        }
        return code;
    }

    __device__ __forceinline__ void put(const float* w, int count, uint8_t* bytes) const {
        putHalf(bytes, stored);
        for (int i = 0; i < count; i += 2) {
            bytes[2 + i / 2] = code(w[i]) | (i + 1 < count ? code(w[i + 1]) << 4 : 0);
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

    // 0, 1 or 2.
    __device__ __forceinline__ int digit(float weight) const {
        float scale = halfValue(stored);
        float steps = scale == 0 ? 0 : finite(weight) / scale;
        return 1 + (steps > 0.5f ? 1 : 0) - (steps < -0.5f ? 1 : 0);
    }

    __device__ __forceinline__ void put(const float* w, int count, uint8_t* bytes) const {
        putHalf(bytes, stored);
        for (int i = 0; i < count; i += 5) {
            int digits = 0;
            for (int k = min(5, count - i) - 1; k >= 0; k--) {
                digits = 3 * digits + digit(w[i + k]);
            }
            bytes[2 + i / 5] = digits;
        }
    }
};

// A block of GGUF holds fp16 scales, so weights beyond fp16's range saturate before a grid is fitted to them.
__device__ __forceinline__ float saturated(float weight, int& fallbacks) {
    float x = finite(weight);
    float clamped = fmaxf(-LARGEST_HALF, fminf(LARGEST_HALF, x));
    fallbacks |= clamped != x ? 1 : 0;
    return clamped;
}

// (w − origin)·inverse, up to half a step more, truncated. NaN, from 0·∞, gives 0 as a cast does on the CPU.
__device__ __forceinline__ int halfUp(float weight, float origin, float inverse, float zero, float most) {
    float steps = __fadd_rn(__fmul_rn(__fsub_rn(finite(weight), origin), inverse), zero + 0.5f);
    return steps != steps ? 0 : (int)fmaxf(0, fminf(most, steps));
}

// 32 codes of 4 bits, those of the two halves in one byte; the fifth bits, where there are any, in order before them.
template <int BITS, typename Quantizer>
__device__ __forceinline__ void putHalves(const Quantizer& quantizer, const float* w, uint8_t* bytes) {
    uint32_t fifth = 0;
    uint8_t* low = bytes + (BITS == 5 ? 4 : 0);
    for (int i = 0; i < 16; i++) {
        int first = quantizer.code(w[i]);
        int second = quantizer.code(w[i + 16]);
        low[i] = (first & 15) | (second & 15) << 4;
        fifth |= (uint32_t)(first >> 4) << i | (uint32_t)(second >> 4) << (i + 16);
    }
    if constexpr (BITS == 5) {
        for (int i = 0; i < 4; i++) {
            bytes[i] = fifth >> 8 * i;
        }
    }
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

    __device__ __forceinline__ int code(float weight) const { return halfUp(weight, 0, inverse, ZERO, 2 * ZERO - 1); }

    __device__ __forceinline__ void put(const float* w, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        putHalves<BITS>(*this, w, bytes + 2);
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

    __device__ __forceinline__ int code(float weight) const { return halfUp(weight, low, inverse, 0, (1 << BITS) - 1); }

    __device__ __forceinline__ void put(const float* w, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        putHalf(bytes + 2, minimum);
        putHalves<BITS>(*this, w, bytes + 4);
    }
};

// q8_0: scale = |m| / 127, q2_0: |m|; steps are rounded half away from zero.
template <int BITS>
struct Centred {
    static constexpr int LENGTH = BITS == 8 ? 32 : 64;
    static constexpr float LOW = BITS == 8 ? -127 : -1;
    static constexpr float HIGH = BITS == 8 ? 127 : 2;

    uint16_t stored;
    float inverse;
    int fallbacks = 0;

    static __device__ __forceinline__ int bytes(int) { return 2 + LENGTH * BITS / 8; }

    __device__ __forceinline__ Centred(const float* w, int) {
        float largest = 0;
        for (int i = 0; i < LENGTH; i++) {
            largest = fmaxf(largest, fabsf(saturated(w[i], fallbacks)));
        }
        float scale = BITS == 8 ? largest / 127 : largest;
        stored = nearestHalf(scale);
        inverse = scale != 0 ? 1 / scale : 0;
        fallbacks += halfValue(stored) == 0 && largest > 0;
    }

    __device__ __forceinline__ int level(float weight) const {
        float steps = __fmul_rn(finite(weight), inverse);
        float clamped = steps != steps ? 0 : fmaxf(LOW, fminf(HIGH, steps));
        int whole = (int)clamped;
        // Twice the rest is exact, and its whole part says whether half a step or more is left.
        return whole + (int)(2 * (clamped - whole));
    }

    __device__ __forceinline__ void put(const float* w, int, uint8_t* bytes) const {
        putHalf(bytes, stored);
        if constexpr (BITS == 8) {
            for (int i = 0; i < LENGTH; i++) {
                bytes[2 + i] = level(w[i]);
            }
        } else {
            for (int i = 0; i < LENGTH; i += 4) {
                int held = 0;
                for (int k = 0; k < 4; k++) {
                    held |= (level(w[i + k]) + 1) << 2 * k;
                }
                bytes[2 + i / 4] = held;
            }
        }
    }
};

// Grid: x over the blocks of a row, y over rows, which it strides. w: [rows, columns]; packed: rows × rowBytes bytes; length:
// weights in a full block; fallbacks: added to
template <typename Quantizer>
__device__ __forceinline__ void quantizeRows(
        const float* __restrict__ w, uint8_t* packed, long long rowBytes, int rows, int columns, int length,
        unsigned long long* fallbacks) {
    int block = blockIdx.x * blockDim.x + threadIdx.x;
    long long first = (long long)block * length;
    if (first >= columns) {
        return;
    }
    int count = (int)min((long long)length, columns - first);
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        const float* from = w + (long long)row * columns + first;
        Quantizer quantizer(from, count);
        quantizer.put(from, count, packed + row * rowBytes + (long long)block * Quantizer::bytes(length));
        if (quantizer.fallbacks > 0) {
            atomicAdd(fallbacks, (unsigned long long)quantizer.fallbacks);
        }
    }
}

#define QUANTIZE(NAME, QUANTIZER) \
    extern "C" __global__ void quantize_##NAME( \
            const float* w, uint8_t* packed, long long rowBytes, int rows, int columns, int length, \
            unsigned long long* fallbacks) { \
        quantizeRows<QUANTIZER>(w, packed, rowBytes, rows, columns, length, fallbacks); \
    }

QUANTIZE(nf4, NormalFloat4)
QUANTIZE(ternary, Ternary)
QUANTIZE(q4_0, Mirrored<4>)
QUANTIZE(q5_0, Mirrored<5>)
QUANTIZE(q4_1, Offset<4>)
QUANTIZE(q5_1, Offset<5>)
QUANTIZE(q8_0, Centred<8>)
QUANTIZE(q2_0, Centred<2>)
