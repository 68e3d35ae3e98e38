// The sixteen levels of iq4_nl and iq4_xs (kvalues_iq4nl) and the scale that the reference's search finds for 32 weights, as
// quant.ggml.UnevenFormat has them. Sums are in fp32 and in order; no product is fused with a sum.
#pragma once
#include "unfused.cuh"

struct Uneven {
    static constexpr int WEIGHTS = 32;
    static constexpr float LOWEST = -127;
    // Scales tried on either side of the one that puts the largest weight on the lowest level.
    static constexpr int TRIALS = 7;
    // Groups whose largest magnitude lies below this count as zero (GROUP_MAX_EPS).
    static constexpr float ZERO = 1e-15f;

    // Known where i is.
    static __device__ __forceinline__ int at(int i) {
        constexpr int8_t levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
        return levels[i];
    }

    // Index and value of the level that is nearest; in the middle of two the upper one. NaN counts as 0.
    static __device__ __forceinline__ void nearest(float steps, int& code, float& level) {
        float twice = steps != steps ? 0 : 2 * steps;
        code = 0;
        level = LOWEST;
#pragma unroll
        for (int i = 0; i < 15; i++) {
            bool above = twice >= at(i) + at(i + 1);
            code += above ? 1 : 0;
            level += above ? at(i + 1) - at(i) : 0;
        }
    }

    static __device__ __forceinline__ float level(int code) {
        float level = LOWEST;
#pragma unroll
        for (int i = 0; i < 15; i++) {
            level += code > i ? at(i + 1) - at(i) : 0;
        }
        return level;
    }

    static __device__ __forceinline__ int code(float steps) {
        int code;
        float level;
        nearest(steps, code, level);
        return code;
    }

    static __device__ __forceinline__ float inverse(float scale) { return scale != 0 ? 1 / scale : 0; }

    // The best of sixteen least-squares scales under weights x². weight(i): the i-th of 32, finite, not beyond fp16's range
    template <typename Weight>
    static __device__ __forceinline__ float scale(Weight weight) {
        float peak = 0;
        for (int i = 0; i < WEIGHTS; i++) {
            float x = weight(i);
            peak = fabsf(x) > fabsf(peak) ? x : peak;
        }
        if (fabsf(peak) < ZERO) {
            return 0;
        }
        float scale = 0;
        float best = 0;
        for (int trial = -TRIALS - 1; trial <= TRIALS; trial++) {
            bool plain = trial < -TRIALS;
            float with = plain ? 1 / (-peak / LOWEST) : (trial + LOWEST) / peak;
            float products = 0;
            float squares = 0;
            for (int i = 0; i < WEIGHTS; i++) {
                float x = weight(i);
                int code;
                float level;
                nearest(mul(with, x), code, level);
                float weighted = mul(mul(x, x), level);
                products = add(products, mul(weighted, x));
                squares = add(squares, mul(weighted, level));
            }
            if (plain || (squares > 0 && mul(products, products) > mul(best, squares))) {
                scale = squares > 0 ? products / squares : 0;
                best = mul(scale, products);
            }
        }
        return scale;
    }
};
