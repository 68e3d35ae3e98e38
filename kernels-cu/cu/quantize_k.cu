// Round-to-nearest onto the published grids of the k-quants, to the bytes that quant.ggml.KAffine and KSigned write, which
// are those of GGML's reference quantizers. Super-blocks of 256 weights; a thread fits a sub-block of 16 or 32, then the
// threads of a super-block share what sets its scales. Sums are in fp32, in order, and no product is fused with a sum:
// a sum that rounds otherwise changes codes.
//
// Floor: reads 4 bytes per weight, writes bits-per-weight / 8; but about 20 candidates for each sub-block, some ten operations
// per weight each, so arithmetic decides.
#include "half_scale.cuh"
#include "unfused.cuh"

#define LENGTH 256
#define FULL_WARP 0xffffffffu

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

// q2_k, q4_k, q5_k: the reference's search over ranges, each followed by weighted least squares (make_qkx2_quants).
template <int BITS>
struct Affine {
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

    // The largest of a super-block's numbers, none below 0.
    static __device__ __forceinline__ float largest(float number) {
        number = fmaxf(0, number);
        for (int offset = SUBS / 2; offset > 0; offset /= 2) {
            number = fmaxf(number, __shfl_xor_sync(FULL_WARP, number, offset));
        }
        return number;
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

    // All threads of the warp; `inside` where they have a sub-block. shares: [2, SUBS], scale and minimum codes
    __device__ __forceinline__ void share(int sub, bool inside, int8_t* shares) {
        float mostScale = largest(inside ? scale : 0);
        float mostMinimum = largest(inside ? minimum : 0);
        d = nearestHalf(mostScale / MOST_SCALE);
        dmin = nearestHalf(mostMinimum / MOST_SCALE);
        shares[sub] = code(scale, mostScale);
        shares[SUBS + sub] = code(minimum, mostMinimum);
        step = mul(halfValue(d), shares[sub]);
        offset = -mul(halfValue(dmin), shares[SUBS + sub]);
    }

    __device__ __forceinline__ int nearest(const float* w, int i) const {
        if (step == 0) {
            return inverse == 0 ? 0 : rounded(saturated(w[i]), inverse, low);
        }
        return roundTo(sub(finite(w[i]), offset) / step, 0, MOST);
    }

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

// q6_k tries 20 scales around that of the largest magnitude (make_qx_quants), q3_k changes one code after another to its
// least-squares choice (make_q3_quants); both weighted by x².
template <int BITS>
struct Signed {
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

    // All threads of the warp, as above. The scale of the largest magnitude, the first of several, becomes −MOST_SCALE.
    __device__ __forceinline__ void share(int sub, bool inside, int8_t* shares) {
        float largest = 0;
        for (int i = 0; i < SUBS; i++) {
            float other = __shfl_sync(FULL_WARP, inside ? scale : 0, i, SUBS);
            largest = fabsf(other) > fabsf(largest) ? other : largest;
        }
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

#define WARPS 4

// A thread for a sub-block, whole super-blocks in a warp. Grid: x over the super-blocks of a row, y over rows, which it
// strides. w: [rows, columns]; packed: rows × rowBytes bytes; fallbacks: added to
template <typename Quantizer>
__device__ __forceinline__ void quantizeRows(
        const float* __restrict__ w, uint8_t* packed, long long rowBytes, int rows, int columns,
        unsigned long long* fallbacks) {
    constexpr int SUBS = Quantizer::SUBS;
    constexpr int EACH = Quantizer::EACH;
    constexpr int GROUPS = 32 / SUBS;
    __shared__ uint8_t codes[WARPS * GROUPS][LENGTH];
    __shared__ int8_t shares[WARPS * GROUPS][2 * SUBS];
    int group = threadIdx.x / SUBS;
    int sub = threadIdx.x % SUBS;
    int block = blockIdx.x * WARPS * GROUPS + group;
    bool inside = block < columns / LENGTH;
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        const float* from = w + (long long)row * columns + (inside ? (long long)block * LENGTH + sub * EACH : 0);
        Quantizer quantizer(from);
        quantizer.share(sub, inside, shares[group]);
        bool vanished = false;
        bool clamped = false;
        for (int i = 0; i < EACH; i++) {
            codes[group][sub * EACH + i] = quantizer.nearest(from, i);
            vanished |= quantizer.vanishes(finite(from[i]));
            clamped |= saturated(from[i]) != finite(from[i]);
        }
        unsigned mine = ((1u << SUBS) - 1) << threadIdx.x % 32 / SUBS * SUBS;
        unsigned flat = __ballot_sync(FULL_WARP, quantizer.step == 0);
        unsigned gone = __ballot_sync(FULL_WARP, vanished);
        unsigned cut = __ballot_sync(FULL_WARP, clamped);
        int left = ((flat & mine) == mine && (gone & mine) != 0 ? 1 : 0) + ((cut & mine) != 0 ? 1 : 0);
        __syncwarp();
        if (inside) {
            quantizer.put(
                    sub, codes[group], shares[group], packed + row * rowBytes + (long long)block * Quantizer::BYTES);
            if (sub == 0 && left > 0) {
                atomicAdd(fallbacks, (unsigned long long)left);
            }
        }
        __syncwarp();
    }
}

#define QUANTIZE(NAME, QUANTIZER) \
    extern "C" __global__ void __launch_bounds__(32 * WARPS) quantize_##NAME( \
            const float* w, uint8_t* packed, long long rowBytes, int rows, int columns, int length, \
            unsigned long long* fallbacks) { \
        quantizeRows<QUANTIZER>(w, packed, rowBytes, rows, columns, fallbacks); \
    }

QUANTIZE(q2_k, Affine<2>)
QUANTIZE(q3_k, Signed<3>)
QUANTIZE(q4_k, Affine<4>)
QUANTIZE(q5_k, Affine<5>)
QUANTIZE(q6_k, Signed<6>)
