// Super-blocks of 256 weights whose sub-blocks have scales of their own.
#pragma once
#include "half_scale.cuh"
#include "unfused.cuh"

#define LENGTH 256

// The nearest integer of a range, ties to even; 0 for NaN (AffineGrid.round).
__device__ __forceinline__ int roundTo(float x, float low, float high) {
    return x != x ? 0 : (int)rintf(fmaxf(low, fminf(high, x)));
}

// Finite weights up to fp16's range, which is what grids are fitted to.
__device__ __forceinline__ float saturated(float weight) {
    return fmaxf(-LARGEST_HALF, fminf(LARGEST_HALF, finite(weight)));
}

// Codes of a whole super-block as one of quant.ggml.Plane's lie in byte `at` of theirs.
template <int BITS, int STRIDE, int UP>
__device__ __forceinline__ uint8_t planeByte(const uint8_t* codes, int at) {
    int first = at / STRIDE * (8 / BITS) * STRIDE + at % STRIDE;
    int byte = 0;
#pragma unroll
    for (int k = 0; k < 8 / BITS; k++) {
        byte |= (codes[first + k * STRIDE] >> UP & ((1 << BITS) - 1)) << k * BITS;
    }
    return byte;
}

template <int BITS, int STRIDE, int UP, int SUBS>
__device__ __forceinline__ void putPlane(const uint8_t* codes, uint8_t* bytes, int sub) {
    for (int at = sub; at < LENGTH * BITS / 8; at += SUBS) {
        bytes[at] = planeByte<BITS, STRIDE, UP>(codes, at);
    }
}

// What a super-block's scales follow from: of its sub-blocks', what `join` keeps.
struct Share {
    float scale;
    float minimum;
};

// The scale of the greater magnitude, the first of several.
__device__ __forceinline__ Share stronger(Share a, Share b) { return fabsf(b.scale) > fabsf(a.scale) ? b : a; }

// Policies for sub-blocks are made from their weights, with
//   own(), join(a, b)           their part in a Share
//   settle(all, sub, shares)    takes what the super-block's Share makes of their parameters
//   nearest(w, i), value(code)  codes, and what they stand for
//   vanishes(x)                 whether a weight decodes to 0 where all scales are 0
//   IDLES                       whether codes where `step` is 0 stay what they are when the grid is fitted
//   put(sub, codes, shares, b)  their share of a super-block's bytes

// What a sub-block's codes tell of the grid.
struct Seen {
    bool vanished = false;
    bool clamped = false;

    // codes: [EACH]
    template <typename Quantizer>
    __device__ __forceinline__ void round(const Quantizer& quantizer, const float* w, uint8_t* codes) {
        for (int i = 0; i < Quantizer::EACH; i++) {
            codes[i] = quantizer.nearest(w, i);
            vanished |= quantizer.vanishes(finite(w[i]));
            clamped |= saturated(w[i]) != finite(w[i]);
        }
    }
};
