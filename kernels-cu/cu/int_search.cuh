// The grid of integers of 2 to 8 bits with the least weighted error over one block: quant.IntSearch's candidates in its order,
// with quant.BlockError's sums. Products are not fused with sums.
#pragma once
#include "int_grid.cuh"
#include "unfused.cuh"

// Sums of a block, weight i in sum i mod 8.
#define LANES 8
// Weights of a block that are kept in shared memory; longer blocks are read from global memory each time.
#define CACHED 256
// Blocks beside each other begin eight banks apart.
#define PITCH (CACHED + 4)
#define KEPT 4
#define ROUNDS 10
// Zero points tried for one scale when they are many.
#define ZEROS 8

struct Sums {
    double q;
    double qq;
    double wq;
};

// One block, scaled by a power of two to magnitudes in [1, 2), its importance to at most 1.
struct Block {
    const float* w;           // [count]
    const float* importance;  // [count], or null for all equal
    int count;
    float unit;
    float largest;
    int maxCode;

    __device__ __forceinline__ float scaled(int i) const { return mul(finite(w[i]), unit); }

    __device__ __forceinline__ float share(int i) const { return largest > 0 ? importance[i] / largest : 1; }

    // q = clamp(round(x / scale), −zero, maxCode − zero), with the inverse scale
    __device__ __forceinline__ float step(float x, float inverse, int zero) const {
        return rintf(fmaxf((float)-zero, fminf((float)(maxCode - zero), mul(x, inverse))));
    }

    // Σ importance and Σ importance × w, in double and in order.
    __device__ __forceinline__ void weigh(double* sum, double* sumW) const {
        *sum = 0;
        *sumW = 0;
        for (int i = 0; i < count; i++) {
            double h = share(i);
            *sum = add(*sum, h);
            *sumW = add(*sumW, mul(h, (double)scaled(i)));
        }
    }

    // What a scale of the scaled block becomes by being stored.
    __device__ __forceinline__ float stored(float scale) const { return halfValue(nearestHalf(scale / unit)) * unit; }

    // SquaredError.of: the unscaled error of a grid, in double and in order.
    __device__ __forceinline__ double judged(float scale, int zero) const {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            float x = finite(w[i]);
            float code = rintf(fmaxf((float)-zero, fminf((float)(maxCode - zero), x / scale)));
            double difference = sub((double)x, (double)mul(scale, code));
            double weighted = importance == nullptr ? difference : mul((double)importance[i], difference);
            sum = add(sum, mul(weighted, difference));
        }
        return sum;
    }
};

// A block that one thread has to itself: the specification of Team.
struct Alone : Block {
    __device__ __forceinline__ void range(float& lo, float& hi) const {
        lo = 0;
        hi = 0;
        for (int i = 0; i < count; i++) {
            lo = fminf(lo, finite(w[i]));
            hi = fmaxf(hi, finite(w[i]));
        }
    }

    __device__ __forceinline__ void begin() {
        largest = 0;
        for (int i = 0; i < count && importance != nullptr; i++) {
            largest = fmaxf(largest, importance[i]);
        }
    }

    __device__ __forceinline__ void fill() {}

    // The sums in order, in double.
    static __device__ __forceinline__ double total(const float (&sums)[LANES]) {
        double total = 0;
        for (int i = 0; i < LANES; i++) {
            total = add(total, (double)sums[i]);
        }
        return total;
    }

    // Σ importance × (w − scale × q)²
    __device__ __forceinline__ double error(float scale, int zero) const {
        float inverse = 1 / scale;
        float sums[LANES] = {};
        for (int i = 0; i < count; i++) {
            float x = scaled(i);
            float difference = sub(x, mul(step(x, inverse, zero), scale));
            sums[i % LANES] = add(sums[i % LANES], mul(mul(share(i), difference), difference));
        }
        return total(sums);
    }

    // What least squares needs of the nearest codes.
    __device__ __forceinline__ Sums moments(float scale, int zero) const {
        float inverse = 1 / scale;
        float q1[LANES] = {};
        float q2[LANES] = {};
        float wq[LANES] = {};
        for (int i = 0; i < count; i++) {
            float x = scaled(i);
            float q = step(x, inverse, zero);
            float hq = mul(share(i), q);
            q1[i % LANES] = add(q1[i % LANES], hq);
            q2[i % LANES] = add(q2[i % LANES], mul(hq, q));
            wq[i % LANES] = add(wq[i % LANES], mul(hq, x));
        }
        return {total(q1), total(q2), total(wq)};
    }
};

// A block that eight threads of a warp share, each with one of the sums.
struct Team : Block {
    float* cachedW;  // [count] in shared memory, up to CACHED
    float* cachedH;
    int lane;
    unsigned mask;

    // The threads of a warp that stand together, from lane threadIdx.x / 8 × 8 on. cached: [2, PITCH]
    __device__ __forceinline__ explicit Team(float (*cached)[PITCH]) {
        cachedW = cached[0];
        cachedH = cached[1];
        lane = threadIdx.x % LANES;
        mask = ((1u << LANES) - 1) << threadIdx.x % 32 / LANES * LANES;
    }

    __device__ __forceinline__ float most(float value) const {
        for (int offset = LANES / 2; offset > 0; offset /= 2) {
            value = fmaxf(value, __shfl_xor_sync(mask, value, offset));
        }
        return value;
    }

    __device__ __forceinline__ void range(float& lo, float& hi) const {
        float down = 0;
        float up = 0;
        for (int i = lane; i < count; i += LANES) {
            down = fmaxf(down, -finite(w[i]));
            up = fmaxf(up, finite(w[i]));
        }
        lo = -most(down);
        hi = most(up);
    }

    __device__ __forceinline__ void begin() {
        largest = 0;
        for (int i = lane; i < count && importance != nullptr; i += LANES) {
            largest = fmaxf(largest, importance[i]);
        }
        largest = most(largest);
    }

    // Each thread fills what it reads itself.
    __device__ __forceinline__ void fill() {
        for (int i = lane; i < count && count <= CACHED; i += LANES) {
            cachedW[i] = scaled(i);
            cachedH[i] = share(i);
        }
    }

    __device__ __forceinline__ float weight(int i) const { return count <= CACHED ? cachedW[i] : scaled(i); }

    __device__ __forceinline__ float h(int i) const { return count <= CACHED ? cachedH[i] : share(i); }

    __device__ __forceinline__ double total(float sum) const {
        double total = 0;
#pragma unroll
        for (int i = 0; i < LANES; i++) {
            total = add(total, (double)__shfl_sync(mask, sum, i, LANES));
        }
        return total;
    }

    __device__ __forceinline__ double error(float scale, int zero) const {
        float inverse = 1 / scale;
        float sum = 0;
        for (int i = lane; i < count; i += LANES) {
            float x = weight(i);
            float difference = sub(x, mul(step(x, inverse, zero), scale));
            sum = add(sum, mul(mul(h(i), difference), difference));
        }
        return total(sum);
    }

    __device__ __forceinline__ Sums moments(float scale, int zero) const {
        float inverse = 1 / scale;
        float q1 = 0;
        float q2 = 0;
        float wq = 0;
        for (int i = lane; i < count; i += LANES) {
            float x = weight(i);
            float q = step(x, inverse, zero);
            float hq = mul(h(i), q);
            q1 = add(q1, hq);
            q2 = add(q2, mul(hq, q));
            wq = add(wq, mul(hq, x));
        }
        return {total(q1), total(q2), total(wq)};
    }
};

// The best few candidates, of equal ones the first.
struct Candidates {
    double errors[KEPT];
    float scales[KEPT];
    int zeros[KEPT];

    __device__ __forceinline__ Candidates() {
#pragma unroll
        for (int i = 0; i < KEPT; i++) {
            errors[i] = INFINITY;
            scales[i] = 0;
            zeros[i] = 0;
        }
    }

    template <typename Work>
    __device__ __forceinline__ void consider(const Work& block, float wanted, int zero) {
        float scale = block.stored(wanted);
        if (scale == 0) {
            return;
        }
        double error = block.error(scale, zero);
        bool placed = false;
#pragma unroll
        for (int i = 0; i < KEPT; i++) {
            placed = placed || error < errors[i];
            if (placed) {
                double otherError = errors[i];
                float otherScale = scales[i];
                int otherZero = zeros[i];
                errors[i] = error;
                scales[i] = scale;
                zeros[i] = zero;
                error = otherError;
                scale = otherScale;
                zero = otherZero;
            }
        }
    }
};

template <typename Work>
__device__ __forceinline__ void scanSymmetric(
        const Work& block, float max, int zero, int steps, double factor, Candidates& found) {
    double scale = max / (zero - 1.0);
    for (int i = 0; i <= 2 * steps; i++, scale = mul(scale, factor)) {
        found.consider(block, (float)scale, zero);
        found.consider(block, -(float)scale, zero);
    }
}

template <typename Work>
__device__ __forceinline__ void scanAsymmetric(
        const Work& block, float lo, float hi, int steps, double factor, Candidates& found) {
    int maxCode = block.maxCode;
    double range = sub((double)hi, (double)lo);
    double scale = mul(range / maxCode, 1 + 1.0 / maxCode);
    for (int i = 0; i <= steps; i++, scale = mul(scale, factor)) {
        double keepLow = -lo / scale;
        double keepHigh = maxCode - hi / scale;
        int first = (int)fmax(0.0, floor(fmin(keepLow, keepHigh)));
        int last = (int)fmin((double)maxCode, ceil(fmax(keepLow, keepHigh)));
        int stride = max(1, (last - first + ZEROS - 1) / ZEROS);
        for (int zero = first; zero <= last; zero += stride) {
            found.consider(block, (float)scale, zero);
        }
    }
}

// Nearest codes and the least-squares scale and offset for them, in turn, as long as that helps.
template <typename Work>
__device__ __forceinline__ void refine(
        const Work& block, double sum, double sumW, bool symmetric, float& scale, int& zero, double least) {
    int maxCode = block.maxCode;
    bool better = true;
    for (int round = 0; round < ROUNDS && better; round++) {
        better = false;
        Sums s = block.moments(scale, zero);
        double determinant = sub(mul(sum, s.qq), mul(s.q, s.q));
        double move = 0;
        if (!symmetric && determinant > 0) {
            double slope = sub(mul(sum, s.wq), mul(s.q, sumW)) / determinant;
            move = slope > 0 ? -(sub(sumW, mul(slope, s.q)) / sum) / slope : 0;
        }
        double clamped = fmax((double)-maxCode, fmin((double)maxCode, move));
        int first = (int)floor(clamped);
        int last = (int)ceil(clamped);
        float oldScale = scale;
        int oldZero = zero;
        for (int by = min(first, 0); by <= max(last, 0); by++) {
            if (by != 0 && by != first && by != last) {
                continue;
            }
            int candidateZero = oldZero + by;
            double squares = add(sub(s.qq, mul(2.0 * by, s.q)), mul((double)by * by, sum));
            double wanted = sub(s.wq, mul((double)by, sumW)) / squares;
            if (wanted != wanted) {
                continue;
            }
            float candidate = block.stored((float)wanted);
            bool usable = candidate != 0 && (symmetric || candidate > 0);
            if (!usable || candidateZero < 0 || candidateZero > maxCode || (by == 0 && candidate == oldScale)) {
                continue;
            }
            double error = block.error(candidate, candidateZero);
            if (error < least) {
                least = error;
                scale = candidate;
                zero = candidateZero;
                better = true;
            }
        }
    }
}

// Which scales are tried: each the one before times the factor (quant.ScaleScan).
struct Scan {
    int steps;
    double factor;
};

// The best grid that is found, or the published one. zero: the fixed zero point of symmetric grids, else −1
template <typename Work>
__device__ __forceinline__ IntGrid searched(Work& block, int zero, Scan scan) {
    float lo;
    float hi;
    block.range(lo, hi);
    IntGrid grid(lo, hi, block.maxCode, zero);
    if (lo == hi || grid.fallback) {
        return grid;
    }
    float max = fmaxf(-lo, hi);
    block.unit = ldexpf(1.0f, 127 - (int)(__float_as_uint(max) >> 23 & 255));
    block.fill();
    Candidates found;
    if (zero >= 0) {
        scanSymmetric(block, max * block.unit, zero, scan.steps, scan.factor, found);
    } else {
        scanAsymmetric(block, lo * block.unit, hi * block.unit, scan.steps, scan.factor, found);
    }
    double sum;
    double sumW;
    block.weigh(&sum, &sumW);
    double least = block.judged(grid.scale, grid.zero);
#pragma unroll
    for (int i = 0; i < KEPT; i++) {
        float scale = found.scales[i];
        int origin = found.zeros[i];
        if (scale != 0) {
            refine(block, sum, sumW, zero >= 0, scale, origin, found.errors[i]);
            double error = block.judged(scale / block.unit, origin);
            if (error < least) {
                least = error;
                grid.stored = nearestHalf(scale / block.unit);
                grid.scale = halfValue(grid.stored);
                grid.zero = origin;
            }
        }
    }
    return grid;
}
