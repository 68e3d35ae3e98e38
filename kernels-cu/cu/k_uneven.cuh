// Sub-blocks of iq4_xs, as quant.ggml.UnevenFormat fits them.
#pragma once
#include "super_block.cuh"
#include "uneven.cuh"

// iq4_xs: scales of sub-blocks in six bits.
struct Iq4Xs {
    static constexpr int SUBS = 8;
    static constexpr int EACH = LENGTH / SUBS;
    static constexpr int BYTES = 136;
    static constexpr bool IDLES = false;

    float scale;
    float step;
    // 1 / scale before it was rounded to fp16.
    float inverse;
    uint16_t d;

    __device__ __forceinline__ Iq4Xs(const float* w) {
        scale = Uneven::scale([&](int i) { return saturated(w[i]); });
    }

    __device__ __forceinline__ Share own() const { return {scale, 0}; }

    static __device__ __forceinline__ Share join(Share a, Share b) { return stronger(a, b); }

    // shares: [2, SUBS]
    __device__ __forceinline__ void settle(Share all, int sub, int8_t* shares) {
        float exact = -all.scale / 32;
        d = nearestHalf(exact);
        int code = roundTo(mul(Uneven::inverse(exact), scale), -32, 31);
        shares[sub] = code;
        step = mul(halfValue(d), code);
        inverse = Uneven::inverse(mul(exact, code));
    }

    __device__ __forceinline__ int nearest(const float* w, int i) const {
        return Uneven::code(mul(finite(w[i]), inverse));
    }

    __device__ __forceinline__ float value(int code) const { return mul(step, Uneven::level(code)); }

    __device__ __forceinline__ bool vanishes(float weight) const { return weight != 0; }

    __device__ __forceinline__ void put(int sub, const uint8_t* codes, const int8_t* shares, uint8_t* bytes) const {
        if (sub == 0) {
            putHalf(bytes, d);
        }
        if (sub < 2) {
            int high = 0;
            for (int i = 0; i < 4; i++) {
                high |= (shares[4 * sub + i] + 32) >> 4 << 2 * i;
            }
            bytes[2 + sub] = high;
        }
        if (sub < 4) {
            bytes[4 + sub] = (shares[2 * sub] + 32 & 15) | (shares[2 * sub + 1] + 32 & 15) << 4;
        }
        putPlane<4, 16, 0, SUBS>(codes, bytes + 8, sub);
    }
};
