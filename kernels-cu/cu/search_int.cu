// The grid of integers of 2 to 8 bits with the least weighted error, block by block, and the codes on it, to the bytes that
// quant.GroupedInt writes for solver `search`: quant.IntSearch's candidates in its order, with quant.BlockError's sums.
//
// Floor: some 40 to 300 candidates for each block, ten operations per weight and candidate; arithmetic decides. Eight threads
// have a block, as the CPU adds weight i to sum i mod 8. Products are not fused with sums.
#include "int_grid.cuh"
#include "reduce.cuh"

#define WARPS 4
#define LANES 8
#define GROUPS (WARPS * 32 / LANES)
// Weights of a block that are kept in shared memory; longer blocks are read from global memory each time.
#define CACHED 256
#define KEPT 4
#define ROUNDS 10
// Zero points tried for one scale when they are many.
#define ZEROS 8

struct Sums {
    double q;
    double qq;
    double wq;
};

// One block, scaled by a power of two to magnitudes in [1, 2), its importance to at most 1; in each of its eight threads.
struct Block {
    const float* w;           // [count]
    const float* importance;  // [count], or null for all equal
    float* cachedW;           // [CACHED] in shared memory
    float* cachedH;
    int count;
    int lane;
    unsigned mask;
    float unit;
    float largest;
    int maxCode;

    __device__ __forceinline__ float scaled(int i) const { return finite(w[i]) * unit; }

    __device__ __forceinline__ float share(int i) const { return largest > 0 ? importance[i] / largest : 1; }

    __device__ __forceinline__ float weight(int i) const { return count <= CACHED ? cachedW[i] : scaled(i); }

    __device__ __forceinline__ float h(int i) const { return count <= CACHED ? cachedH[i] : share(i); }

    // Each thread fills what it reads itself.
    __device__ __forceinline__ void fill() {
        for (int i = lane; i < count && count <= CACHED; i += LANES) {
            cachedW[i] = scaled(i);
            cachedH[i] = share(i);
        }
    }

    // The eight sums in order, in double.
    __device__ __forceinline__ double total(float sum) const {
        double total = 0;
#pragma unroll
        for (int i = 0; i < LANES; i++) {
            total = __dadd_rn(total, (double)__shfl_sync(mask, sum, i, LANES));
        }
        return total;
    }

    __device__ __forceinline__ float step(float x, float inverse, int zero) const {
        return rintf(fmaxf((float)-zero, fminf((float)(maxCode - zero), __fmul_rn(x, inverse))));
    }

    __device__ __forceinline__ double error(float scale, int zero) const {
        float inverse = 1 / scale;
        float sum = 0;
        for (int i = lane; i < count; i += LANES) {
            float x = weight(i);
            float difference = __fsub_rn(x, __fmul_rn(step(x, inverse, zero), scale));
            sum = __fadd_rn(sum, __fmul_rn(__fmul_rn(h(i), difference), difference));
        }
        return total(sum);
    }

    // What least squares needs of the nearest codes.
    __device__ __forceinline__ Sums moments(float scale, int zero) const {
        float inverse = 1 / scale;
        float q1 = 0;
        float q2 = 0;
        float wq = 0;
        for (int i = lane; i < count; i += LANES) {
            float x = weight(i);
            float q = step(x, inverse, zero);
            float hq = __fmul_rn(h(i), q);
            q1 = __fadd_rn(q1, hq);
            q2 = __fadd_rn(q2, __fmul_rn(hq, q));
            wq = __fadd_rn(wq, __fmul_rn(hq, x));
        }
        return {total(q1), total(q2), total(wq)};
    }

    // Σ importance and Σ importance × w, in double and in order; equal in all threads.
    __device__ __forceinline__ void weigh(double* sum, double* sumW) const {
        *sum = 0;
        *sumW = 0;
        for (int i = 0; i < count; i++) {
            double h = share(i);
            *sum = __dadd_rn(*sum, h);
            *sumW = __dadd_rn(*sumW, __dmul_rn(h, (double)scaled(i)));
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
            double difference = __dsub_rn((double)x, (double)__fmul_rn(scale, code));
            double weighted = importance == nullptr ? difference : __dmul_rn((double)importance[i], difference);
            sum = __dadd_rn(sum, __dmul_rn(weighted, difference));
        }
        return sum;
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

    __device__ __forceinline__ void consider(const Block& block, float wanted, int zero) {
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

__device__ __forceinline__ void scanSymmetric(const Block& block, float max, int zero, int steps, double factor, Candidates& found) {
    double scale = max / (zero - 1.0);
    for (int i = 0; i <= 2 * steps; i++, scale = __dmul_rn(scale, factor)) {
        found.consider(block, (float)scale, zero);
        found.consider(block, -(float)scale, zero);
    }
}

__device__ __forceinline__ void scanAsymmetric(
        const Block& block, float lo, float hi, int steps, double factor, Candidates& found) {
    int maxCode = block.maxCode;
    double range = __dsub_rn((double)hi, (double)lo);
    double scale = __dmul_rn(range / maxCode, 1 + 1.0 / maxCode);
    for (int i = 0; i <= steps; i++, scale = __dmul_rn(scale, factor)) {
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
__device__ __forceinline__ void refine(
        const Block& block, double sum, double sumW, bool symmetric, float& scale, int& zero, double least) {
    int maxCode = block.maxCode;
    bool better = true;
    for (int round = 0; round < ROUNDS && better; round++) {
        better = false;
        Sums s = block.moments(scale, zero);
        double determinant = __dsub_rn(__dmul_rn(sum, s.qq), __dmul_rn(s.q, s.q));
        double move = 0;
        if (!symmetric && determinant > 0) {
            double slope = __dsub_rn(__dmul_rn(sum, s.wq), __dmul_rn(s.q, sumW)) / determinant;
            move = slope > 0 ? -(__dsub_rn(sumW, __dmul_rn(slope, s.q)) / sum) / slope : 0;
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
            double squares = __dadd_rn(__dsub_rn(s.qq, __dmul_rn(2.0 * by, s.q)), __dmul_rn((double)by * by, sum));
            double wanted = __dsub_rn(s.wq, __dmul_rn((double)by, sumW)) / squares;
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

// Eight threads for a block; grid: x over the blocks of a row, y over rows, which it strides.
// w: [rows, columns]; importance: [columns], finite and not negative, or null; packed: rows × rowBytes bytes; length: weights
// in a full block; zero: the fixed zero point of symmetric grids, else −1; steps, factor: scales that are tried, each the
// one before times the factor (IntSearch); fallbacks: added to, blocks whose published grid left its rule
extern "C" __global__ void __launch_bounds__(32 * WARPS) search_int(
        const float* __restrict__ w, const float* __restrict__ importance, uint8_t* packed, long long rowBytes, int rows,
        int columns, int length, int bits, int zero, int steps, double factor, unsigned long long* fallbacks) {
    __shared__ float cachedW[GROUPS][CACHED];
    __shared__ float cachedH[GROUPS][CACHED];
    int group = threadIdx.x / LANES;
    int number = blockIdx.x * GROUPS + group;
    long long first = (long long)number * length;
    if (first >= columns) {
        return;
    }
    int lane = threadIdx.x % LANES;
    Block block;
    block.mask = ((1u << LANES) - 1) << threadIdx.x % 32 / LANES * LANES;
    block.count = (int)min((long long)length, columns - first);
    block.importance = importance == nullptr ? nullptr : importance + first;
    block.lane = lane;
    block.maxCode = (1 << bits) - 1;
    block.cachedW = cachedW[group];
    block.cachedH = cachedH[group];
    float largest = 0;
    for (int i = lane; i < block.count && importance != nullptr; i += LANES) {
        largest = fmaxf(largest, block.importance[i]);
    }
    for (int offset = LANES / 2; offset > 0; offset /= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(block.mask, largest, offset));
    }
    block.largest = largest;
    bool symmetric = zero >= 0;
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        block.w = w + (long long)row * columns + first;
        float lo = 0;
        float hi = 0;
        for (int i = lane; i < block.count; i += LANES) {
            lo = fminf(lo, finite(block.w[i]));
            hi = fmaxf(hi, finite(block.w[i]));
        }
        for (int offset = LANES / 2; offset > 0; offset /= 2) {
            lo = fminf(lo, __shfl_xor_sync(block.mask, lo, offset));
            hi = fmaxf(hi, __shfl_xor_sync(block.mask, hi, offset));
        }
        IntGrid grid(lo, hi, block.maxCode, zero);
        if (lo != hi && !grid.fallback) {
            float max = fmaxf(-lo, hi);
            block.unit = ldexpf(1.0f, 127 - (int)(__float_as_uint(max) >> 23 & 255));
            block.fill();
            Candidates found;
            if (symmetric) {
                scanSymmetric(block, max * block.unit, zero, steps, factor, found);
            } else {
                scanAsymmetric(block, lo * block.unit, hi * block.unit, steps, factor, found);
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
                    refine(block, sum, sumW, symmetric, scale, origin, found.errors[i]);
                    double error = block.judged(scale / block.unit, origin);
                    if (error < least) {
                        least = error;
                        grid.stored = nearestHalf(scale / block.unit);
                        grid.scale = halfValue(grid.stored);
                        grid.zero = origin;
                    }
                }
            }
        }
        uint8_t* bytes = packed + row * rowBytes + (long long)number * blockBytes(length, bits, zero);
        if (lane == 0) {
            putHead(grid, bytes, !symmetric);
            if (grid.fallback) {
                atomicAdd(fallbacks, 1ULL);
            }
        }
        uint8_t* codes = bytes + (symmetric ? 2 : 3);
        for (int at = lane * 8; at < block.count; at += LANES * 8) {
            unsigned long long word = 0;
            for (int i = 0; i < min(8, block.count - at); i++) {
                word |= (unsigned long long)grid.nearest(finite(block.w[at + i]), block.maxCode) << (i * bits);
            }
            putOctet(word, at, min(8, block.count - at), bits, codes);
        }
    }
}
