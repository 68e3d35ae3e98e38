// Sub-blocks of the k-quants with scale and minimum, as quant.ggml.KAffine fits them.
#pragma once
#include "super_block.cuh"

// q2_k, q4_k, q5_k: the reference's search over ranges, each followed by weighted least squares (make_qkx2_quants).
template <int BITS>
struct Affine {
    static constexpr bool IDLES = true;
    static constexpr int SUBS = BITS == 2 ? 16 : 8;
    static constexpr int EACH = LENGTH / SUBS;
    static constexpr int MOST = (1 << BITS) - 1;
    static constexpr int MOST_SCALE = BITS == 2 ? 15 : 63;
    static constexpr int BYTES = BITS == 2 ? 84 : BITS == 4 ? 144 : 176;
    static constexpr int CANDIDATES = BITS == 4 ? 20 : 15;
    static constexpr float FIRST = BITS == 4 ? -1 : -0.5f;

    float scale = 0;
    float minimum;
    // What the codes of the best candidate were rounded with.
    float inverse = 0;
    float low = 0;

    static __device__ __forceinline__ float importance(float x, float rms) {
        return add(BITS == 2 ? 0 : rms, fabsf(x));
    }

    static __device__ __forceinline__ int rounded(float x, float inverse, float low) {
        return roundTo(mul(inverse, sub(x, low)), 0, MOST);
    }

    // Of codes rounded with one inverse and minimum and decoded with another scale and minimum.
    static __device__ __forceinline__ float error(
            const float* w, float rms, float with, float from, float scale, float min) {
        float sum = 0;
        for (int i = 0; i < EACH; i++) {
            float x = saturated(w[i]);
            float difference = sub(add(mul(scale, rounded(x, with, from)), min), x);
            float size = BITS == 2 ? fabsf(difference) : mul(difference, difference);
            sum = add(sum, mul(importance(x, rms), size));
        }
        return sum;
    }

    __device__ __forceinline__ Affine(const float* w) {
        float squares = 0;
        for (int i = 0; i < EACH; i++) {
            float x = saturated(w[i]);
            squares = add(squares, mul(x, x));
        }
        float rms = (float)sqrt((double)(squares / EACH));
        float first = saturated(w[0]);
        float min = first;
        float max = first;
        float sumW = importance(first, rms);
        float sumX = mul(sumW, first);
        for (int i = 1; i < EACH; i++) {
            float x = saturated(w[i]);
            min = x < min ? x : min;
            max = x > max ? x : max;
            sumW = add(sumW, importance(x, rms));
            sumX = add(sumX, mul(importance(x, rms), x));
        }
        min = min > 0 ? 0 : min;
        if (max <= min) {
            minimum = -min;
            return;
        }
        float range = sub(max, min);
        inverse = MOST / range;
        low = min;
        scale = 1 / inverse;
        float best = error(w, rms, inverse, low, scale, min);
        for (int k = 0; k <= CANDIDATES; k++) {
            float with = add(add(FIRST, mul(0.1f, (float)k)), (float)MOST) / sub(max, min);
            float from = min;
            float sumL = 0;
            float sumLL = 0;
            float sumXL = 0;
            for (int i = 0; i < EACH; i++) {
                float x = saturated(w[i]);
                float l = rounded(x, with, from);
                float weighted = mul(importance(x, rms), l);
                sumL = add(sumL, weighted);
                sumLL = add(sumLL, mul(weighted, l));
                sumXL = add(sumXL, mul(weighted, x));
            }
            float determinant = sub(mul(sumW, sumLL), mul(sumL, sumL));
            if (!(determinant > 0)) {
                continue;
            }
            float triedScale = sub(mul(sumW, sumXL), mul(sumX, sumL)) / determinant;
            float triedMin = sub(mul(sumLL, sumX), mul(sumL, sumXL)) / determinant;
            if (triedMin > 0) {
                triedMin = 0;
                triedScale = sumXL / sumLL;
            }
            float found = error(w, rms, with, from, triedScale, triedMin);
            if (found < best) {
                best = found;
                scale = triedScale;
                min = triedMin;
                inverse = with;
                low = from;
            }
        }
        minimum = -min;
    }

    __device__ __forceinline__ Share own() const { return {scale, minimum}; }

    // The largest numbers, none below 0.
    static __device__ __forceinline__ Share join(Share a, Share b) {
        return {fmaxf(a.scale, b.scale), fmaxf(a.minimum, b.minimum)};
    }

    static __device__ __forceinline__ int code(float number, float most) {
        float inverse = most > 0 ? MOST_SCALE / most : 0;
        return roundTo(mul(inverse, number), 0, MOST_SCALE);
    }

    // The sub-block's scale and minimum as they are stored.
    uint16_t d;
    uint16_t dmin;
    float step;
    float offset;

    // shares: [2, SUBS], scale and minimum codes
    __device__ __forceinline__ void settle(Share all, int sub, int8_t* shares) {
        d = nearestHalf(all.scale / MOST_SCALE);
        dmin = nearestHalf(all.minimum / MOST_SCALE);
        shares[sub] = code(scale, all.scale);
        shares[SUBS + sub] = code(minimum, all.minimum);
        step = mul(halfValue(d), shares[sub]);
        offset = -mul(halfValue(dmin), shares[SUBS + sub]);
    }

    __device__ __forceinline__ int nearest(const float* w, int i) const {
        if (step == 0) {
            return inverse == 0 ? 0 : rounded(saturated(w[i]), inverse, low);
        }
        return roundTo(sub(finite(w[i]), offset) / step, 0, MOST);
    }

    __device__ __forceinline__ float value(int code) const { return add(mul(step, code), offset); }

    // Whether weights that all have scale 0 decode to 0 without being 0.
    __device__ __forceinline__ bool vanishes(float weight) const { return weight != 0 && offset == 0; }

    // The thread's share of a super-block's bytes. codes: [256]
    __device__ __forceinline__ void put(int sub, const uint8_t* codes, const int8_t* shares, uint8_t* bytes) const {
        const int8_t* minima = shares + SUBS;
        if (sub == 0) {
            putHalf(bytes + (BITS == 2 ? 80 : 0), d);
            putHalf(bytes + (BITS == 2 ? 82 : 2), dmin);
        }
        if constexpr (BITS == 2) {
            bytes[sub] = shares[sub] | minima[sub] << 4;
            putPlane<2, 32, 0, SUBS>(codes, bytes + 16, sub);
        } else {
            if (sub < 4) {
                bytes[4 + sub] = shares[sub] | (shares[sub + 4] & 48) << 2;
                bytes[8 + sub] = minima[sub] | (minima[sub + 4] & 48) << 2;
                bytes[12 + sub] = (shares[sub + 4] & 15) | (minima[sub + 4] & 15) << 4;
            }
            putPlane<4, 32, 0, SUBS>(codes, bytes + (BITS == 5 ? 48 : 16), sub);
            if constexpr (BITS == 5) {
                putPlane<1, 32, 4, SUBS>(codes, bytes + 16, sub);
            }
        }
    }
};
