// Sub-blocks of the k-quants with a scale of either sign, as quant.ggml.KSigned fits them.
#pragma once
#include "super_block.cuh"

// q6_k tries 20 scales around that of the largest magnitude (make_qx_quants), q3_k changes one code after another to its
// least-squares choice (make_q3_quants); both weighted by x².
template <int BITS>
struct Signed {
    static constexpr bool IDLES = true;
    static constexpr int SUBS = 16;
    static constexpr int EACH = LENGTH / SUBS;
    static constexpr int HALF = 1 << (BITS - 1);
    static constexpr int MOST_SCALE = BITS == 3 ? 32 : 128;
    static constexpr int BYTES = BITS == 3 ? 110 : 210;
    static constexpr int PASSES = 5;
    // Groups and super-blocks whose largest magnitude lies below this count as zero (GROUP_MAX_EPS).
    static constexpr float ZERO = 1e-15f;

    float scale = 0;
    // What the sub-block's codes are where its scale becomes 0: codes of q3_k, four bits each; the inverse scale of q6_k.
    unsigned long long kept = 0;
    float inverse = 0;
    bool zeros = false;

    static __device__ __forceinline__ int level(float x) { return roundTo(x, -HALF, HALF - 1); }

    __device__ __forceinline__ Signed(const float* w) {
        float peak = 0;
        for (int i = 0; i < EACH; i++) {
            float x = saturated(w[i]);
            peak = fabsf(x) > fabsf(peak) ? x : peak;
        }
        if (fabsf(peak) < ZERO) {
            zeros = true;
        } else if (BITS == 3) {
            byCode(w, -HALF / peak);
        } else {
            byScale(w, peak);
        }
    }

    __device__ __forceinline__ void byScale(const float* w, float peak) {
        float best = 0;
        for (int trial = -1; trial < 19; trial++) {
            // First the plain scale, then from 0.9 steps fewer to 0.9 more, without the plain one.
            int tenths = trial - 9;
            if (tenths == 0) {
                continue;
            }
            float with = trial < 0 ? -HALF / peak : -add(HALF, mul(0.1f, tenths)) / peak;
            float sumXL = 0;
            float sumLL = 0;
            for (int i = 0; i < EACH; i++) {
                float x = saturated(w[i]);
                float l = level(mul(with, x));
                float weight = mul(x, x);
                sumXL = add(sumXL, mul(mul(weight, x), l));
                sumLL = add(sumLL, mul(mul(weight, l), l));
            }
            if (trial < 0 || (sumLL > 0 && mul(sumXL, sumXL) > mul(best, sumLL))) {
                scale = sumLL != 0 ? sumXL / sumLL : 0;
                best = mul(scale, sumXL);
                inverse = with;
            }
        }
    }

    __device__ __forceinline__ void byCode(const float* w, float with) {
        int l[EACH];
        float sumXL = 0;
        float sumLL = 0;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            float x = saturated(w[i]);
            l[i] = level(mul(with, x));
            float weight = mul(x, x);
            sumXL = add(sumXL, mul(mul(weight, x), l[i]));
            sumLL = add(sumLL, mul(mul(weight, l[i]), l[i]));
        }
        bool changed = true;
        for (int pass = 0; pass < PASSES && changed; pass++) {
            changed = false;
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                float x = saturated(w[i]);
                float weight = mul(x, x);
                float otherXL = sub(sumXL, mul(mul(weight, x), l[i]));
                float otherLL = sub(sumLL, mul(mul(weight, l[i]), l[i]));
                int next = otherXL > 0 ? level(mul(x, otherLL) / otherXL) : l[i];
                if (next != l[i]) {
                    otherXL = add(otherXL, mul(mul(weight, x), next));
                    otherLL = add(otherLL, mul(mul(weight, next), next));
                    if (otherLL > 0 && mul(mul(otherXL, otherXL), sumLL) > mul(mul(sumXL, sumXL), otherLL)) {
                        l[i] = next;
                        sumXL = otherXL;
                        sumLL = otherLL;
                        changed = true;
                    }
                }
            }
        }
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            kept |= (unsigned long long)(l[i] + HALF) << 4 * i;
        }
        scale = sumLL > 0 ? sumXL / sumLL : 0;
    }

    uint16_t d = 0;
    float step = 0;

    __device__ __forceinline__ Share own() const { return {scale, 0}; }

    static __device__ __forceinline__ Share join(Share a, Share b) { return stronger(a, b); }

    // The scale of the largest magnitude becomes −MOST_SCALE. shares: [2, SUBS]
    __device__ __forceinline__ void settle(Share all, int sub, int8_t* shares) {
        float largest = all.scale;
        if (BITS == 3 ? largest == 0 : fabsf(largest) < ZERO) {
            // All zero bytes, which as scales of q3_k mean −32.
            shares[sub] = BITS == 3 ? -32 : 0;
            zeros = zeros || BITS == 6;
            return;
        }
        float inverse = -MOST_SCALE / largest;
        shares[sub] = roundTo(mul(inverse, scale), -MOST_SCALE, MOST_SCALE - 1);
        d = nearestHalf(1 / inverse);
        step = mul(halfValue(d), shares[sub]);
    }

    __device__ __forceinline__ int nearest(const float* w, int i) const {
        if (step != 0) {
            return HALF + level(finite(w[i]) / step);
        }
        if (zeros) {
            return 0;
        }
        return BITS == 3 ? (int)(kept >> 4 * i & 15) : HALF + level(mul(inverse, saturated(w[i])));
    }

    __device__ __forceinline__ float value(int code) const { return mul(step, code - HALF); }

    __device__ __forceinline__ bool vanishes(float weight) const { return weight != 0; }

    __device__ __forceinline__ void put(int sub, const uint8_t* codes, const int8_t* shares, uint8_t* bytes) const {
        if (sub == 0) {
            putHalf(bytes + BYTES - 2, d);
        }
        if constexpr (BITS == 6) {
            putPlane<4, 64, 0, SUBS>(codes, bytes, sub);
            putPlane<2, 32, 4, SUBS>(codes, bytes + 128, sub);
            bytes[192 + sub] = shares[sub];
        } else {
            putPlane<1, 32, 2, SUBS>(codes, bytes, sub);
            putPlane<2, 32, 0, SUBS>(codes, bytes + 32, sub);
            if (sub < 8) {
                bytes[96 + sub] = (shares[sub] + 32 & 15) | (shares[sub + 8] + 32 & 15) << 4;
            } else if (sub < 12) {
                int high = 0;
                for (int q = 0; q < 4; q++) {
                    high |= (shares[sub - 8 + 4 * q] + 32) >> 4 << 2 * q;
                }
                bytes[96 + sub] = high;
            }
        }
    }
};
