// What the default `gptq` does once the column loop has chosen codes, on integers of 2 to 8 bits: rounds of
// quant.gptq.CoordinateDescent over the codes and quant.gptq.GridRefit of the grids, both under the full Hessian, to the CPU's
// bytes. Every element of the gradient (w − q)·H is one chain of fused multiply-adds in the order of the moves; what decides
// is in double, and products there are not fused with sums.
//
// Floor: n² multiply-adds a row for the gradient to begin with (gptq.cu: subtract_product), n for every code that moves, and
// n² a row for each round over the grids; H is read once for the rows of a tile, or once for each move.
#include "int_grid.cuh"
#include "reduce.cuh"
#include "unfused.cuh"

#define WARPS 4
// Columns whose moves go to the rest of the gradient together.
#define CHUNK 128
#define EACH (CHUNK / 32)

// Where a code would go for the layer's error to be least while all others stay.
// slope: of the gradient, with λ's part; damped: diagonal of H + λI, positive
__device__ __forceinline__ float optimum(float q, double slope, double damped) {
    return (float)add((double)q, slope / damped);
}

__device__ __forceinline__ double slopeAt(float gradient, double lambda, float w, float q) {
    return add((double)gradient, mul(lambda, (double)sub(w, q)));
}

// Whether a value is nearer to the optimum than the one that stands; where grids end, the code that rounding gives need not be.
__device__ __forceinline__ bool nearer(float wanted, float value, float q) {
    return fabsf(sub(wanted, value)) < fabsf(sub(wanted, q));
}

// q − w. Grid: x over columns, y over rows, which it strides.
// w: [rows, n], NaN and infinities count as 0; grids: [rows, ⌈n / length⌉]; codes, errors: [rows, n]
extern "C" __global__ void refine_errors(
        const float* __restrict__ w, const GridRecord* __restrict__ grids, const uint8_t* __restrict__ codes, float* errors,
        int rows, int n, int length) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    int blocks = (n + length - 1) / length;
    for (long long row = blockIdx.y; row < rows && column < n; row += gridDim.y) {
        long long at = row * n + column;
        errors[at] = sub(grids[row * blocks + column / length].value(codes[at]), finite(w[at]));
    }
}

// What all rows share, a thread for a column. h: [n, n]; damped: [n], diagonal of H + λI, 0 for channels without any
// activation; ones: [n], −1·H within the column's block
extern "C" __global__ void refine_channels(
        const float* __restrict__ h, double lambda, double* damped, float* ones, int n, int length) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= n) {
        return;
    }
    double sum = add((double)h[(long long)column * n + column], lambda);
    damped[column] = sum > lambda ? sum : 0;
    int first = column / length * length;
    float products = 0;
    for (int i = first; i < min(n, first + length); i++) {
        products = sub(products, h[(long long)i * n + column]);
    }
    ones[column] = products;
}

// Specification of the descent: one thread for a row, every move to the whole gradient at once. gradient: [rows, n], kept up;
// active: [rows], rows to work on; passes: over the codes at most, until nothing moves; other arguments as above
extern "C" __global__ void descent_naive(
        const float* w, const float* h, const double* damped, const GridRecord* grids, uint8_t* codes, float* gradient,
        const int* active, int rows, int n, int length, int maxCode, double lambda, int passes) {
    long long row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows || !active[row]) {
        return;
    }
    w += row * n;
    codes += row * n;
    gradient += row * n;
    grids += row * ((n + length - 1) / length);
    bool moving = true;
    for (int pass = 0; pass < passes && moving; pass++) {
        moving = false;
        for (int c = 0; c < n; c++) {
            if (damped[c] == 0) {
                continue;
            }
            GridRecord grid = grids[c / length];
            float q = grid.value(codes[c]);
            float wanted = optimum(q, slopeAt(gradient[c], lambda, finite(w[c]), q), damped[c]);
            int code = grid.nearest(wanted, maxCode);
            float value = grid.value(code);
            if (code != codes[c] && nearer(wanted, value, q)) {
                float step = sub(value, q);
                for (int k = 0; k < n; k++) {
                    gradient[k] = fmaf(-step, h[(long long)c * n + k], gradient[k]);
                }
                codes[c] = code;
                moving = true;
            }
        }
    }
}

// A warp for a row, lane l holding columns l, l + 32, … of a chunk. All lanes say what their codes would do as the gradient is
// now; the first that moves has its way, and those behind it are asked again. Arguments as above.
extern "C" __global__ void __launch_bounds__(32 * WARPS) descent(
        const float* __restrict__ w, const float* __restrict__ h, const double* __restrict__ damped,
        const GridRecord* __restrict__ grids, uint8_t* codes, float* gradient, const int* __restrict__ active, int rows,
        int n, int length, int maxCode, double lambda, int passes) {
    __shared__ float steps[WARPS][CHUNK];
    __shared__ int moved[WARPS][CHUNK];
    int warp = threadIdx.x / 32;
    int lane = threadIdx.x % 32;
    long long row = (long long)blockIdx.x * WARPS + warp;
    if (row >= rows || !active[row]) {
        return;
    }
    w += row * n;
    codes += row * n;
    gradient += row * n;
    grids += row * ((n + length - 1) / length);
    bool moving = true;
    for (int pass = 0; pass < passes && moving; pass++) {
        moving = false;
        for (int first = 0; first < n; first += CHUNK) {
            int width = min(CHUNK, n - first);
            float g[EACH];
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                g[i] = lane + 32 * i < width ? gradient[first + lane + 32 * i] : 0;
            }
            int count = 0;
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                int c = first + 32 * i + lane;
                bool inside = c < n;
                double diagonal = inside ? damped[c] : 0;
                GridRecord grid = grids[(inside ? c : 0) / length];
                float weight = inside ? finite(w[c]) : 0;
                int before = inside ? codes[c] : 0;
                float q = grid.value(before);
                for (int from = 0; from < 32;) {
                    bool moves = false;
                    int code = before;
                    float value = q;
                    if (lane >= from && diagonal != 0) {
                        float wanted = optimum(q, slopeAt(g[i], lambda, weight, q), diagonal);
                        code = grid.nearest(wanted, maxCode);
                        value = grid.value(code);
                        moves = code != before && nearer(wanted, value, q);
                    }
                    unsigned movers = __ballot_sync(FULL_WARP, moves);
                    if (movers == 0) {
                        break;
                    }
                    int mover = __ffs(movers) - 1;
                    float step = __shfl_sync(FULL_WARP, sub(value, q), mover);
                    int at = 32 * i + mover;
                    const float* line = h + (long long)(first + at) * n + first;
#pragma unroll
                    for (int k = 0; k < EACH; k++) {
                        if (lane + 32 * k < width) {
                            g[k] = fmaf(-step, line[lane + 32 * k], g[k]);
                        }
                    }
                    if (lane == mover) {
                        codes[c] = code;
                        steps[warp][count] = step;
                        moved[warp][count] = first + at;
                    }
                    count++;
                    from = mover + 1;
                }
            }
            if (count == 0) {
                continue;
            }
            moving = true;
            __syncwarp();
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                if (lane + 32 * i < width) {
                    gradient[first + lane + 32 * i] = g[i];
                }
            }
            for (int k = lane; k < n; k += 32) {
                if (k >= first && k < first + width) {
                    continue;
                }
                float sum = gradient[k];
                for (int p = 0; p < count; p++) {
                    sum = fmaf(-steps[warp][p], h[(long long)moved[warp][p] * n + k], sum);
                }
                gradient[k] = sum;
            }
            __syncwarp();
        }
    }
}

// quant.ScaleError: how the layer's error changes with a block's scale and offset, all in double and in order.
struct ScaleError {
    double scaleSlope = 0;
    double offsetSlope = 0;
    double scaleCurve = 0;
    double mixedCurve = 0;
    double offsetCurve = 0;

    // u: level; products, ones: −u·H and −1·H within the block
    __device__ __forceinline__ void add(double slope, double u, float products, float ones, double lambda) {
        double uh = sub(mul(lambda, u), (double)products);
        double vh = sub(lambda, (double)ones);
        scaleSlope = ::add(scaleSlope, mul(slope, u));
        offsetSlope = ::add(offsetSlope, slope);
        scaleCurve = ::add(scaleCurve, mul(uh, u));
        mixedCurve = ::add(mixedCurve, uh);
        offsetCurve = ::add(offsetCurve, vh);
    }

    __device__ __forceinline__ double change(double scale, double offset) const {
        double linear = mul(-2.0, ::add(mul(scale, scaleSlope), mul(offset, offsetSlope)));
        double mixed = mul(scale, ::add(mul(scale, scaleCurve), mul(mul(2.0, offset), mixedCurve)));
        return ::add(::add(linear, mixed), mul(mul(offset, offset), offsetCurve));
    }

    // The best move of a scale for a zero point that has moved by `shift`.
    __device__ __forceinline__ double bestScale(double scale, double shift) const {
        double square = mul(shift, shift);
        double curve = ::add(sub(scaleCurve, mul(mul(2.0, shift), mixedCurve)), mul(square, offsetCurve));
        double slope = ::add(sub(scaleSlope, mul(shift, offsetSlope)), mul(mul(shift, scale), mixedCurve));
        slope = sub(slope, mul(mul(square, scale), offsetCurve));
        return curve > 0 ? slope / curve : 0;
    }

    // GroupedInt.refit: the best scale for the zero point as it is, and for both of its neighbours where it is not fixed.
    // Whether the grid has changed.
    __device__ __forceinline__ bool refit(GridRecord& grid, int maxCode, bool symmetric) const {
        if (grid.scale == 0 || grid.fallback != 0) {
            return false;
        }
        GridRecord now = grid;
        int reach = symmetric ? 0 : 1;
        double least = 0;
        for (int zero = max(0, now.zero - reach); zero <= min(maxCode, now.zero + reach); zero++) {
            int shift = zero - now.zero;
            float scale = halfValue(nearestHalf((float)::add((double)now.scale, bestScale(now.scale, shift))));
            double found = change(sub(scale, now.scale), mul((float)-shift, scale));
            if (found < least && scale != 0 && (symmetric || scale > 0)) {
                least = found;
                grid.scale = scale;
                grid.zero = zero;
            }
        }
        return least < 0;
    }
};

// Specification of a round over the grids: one thread for a row, block after block, all of it in one place. levels, products:
// room for [rows, length]; changed: [rows], whether any grid of the row has; other arguments as above
extern "C" __global__ void refit_naive(
        const float* w, const float* h, const float* ones, GridRecord* grids, const uint8_t* codes, float* gradient,
        float* levels, float* products, const int* active, int* changed, int rows, int n, int length, int maxCode,
        int symmetric, double lambda) {
    long long row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    w += row * n;
    codes += row * n;
    gradient += row * n;
    grids += row * ((n + length - 1) / length);
    levels += row * length;
    products += row * length;
    changed[row] = 0;
    for (int first = 0; first < n && active[row]; first += length) {
        GridRecord& grid = grids[first / length];
        GridRecord before = grid;
        int count = min(length, n - first);
        ScaleError error;
        for (int i = 0; i < count; i++) {
            levels[i] = codes[first + i] - grid.zero;
            products[i] = 0;
        }
        for (int i = 0; i < count; i++) {
            for (int k = 0; k < count; k++) {
                products[k] = fmaf(-levels[i], h[(long long)(first + i) * n + first + k], products[k]);
            }
        }
        for (int i = 0; i < count; i++) {
            int c = first + i;
            float q = grid.value(codes[c]);
            error.add(slopeAt(gradient[c], lambda, finite(w[c]), q), levels[i], products[i], ones[c], lambda);
        }
        if (!error.refit(grid, maxCode, symmetric)) {
            continue;
        }
        changed[row] = 1;
        for (int i = 0; i < count; i++) {
            int c = first + i;
            float move = sub(grid.value(codes[c]), before.value(codes[c]));
            for (int k = 0; k < n; k++) {
                gradient[k] = fmaf(-move, h[(long long)c * n + k], gradient[k]);
            }
        }
    }
}

// The levels of columns [first, first + width), a block, of rows that are worked on; subtract_product makes the products with
// H of them. Grid: x over columns, y over rows, which it strides. levels, products: [rows, width]; products become 0
extern "C" __global__ void refit_levels(
        const GridRecord* __restrict__ grids, const uint8_t* __restrict__ codes, const int* __restrict__ active,
        float* levels, float* products, int rows, int n, int first, int width, int length) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int blocks = (n + length - 1) / length;
    for (long long row = blockIdx.y; row < rows && i < width; row += gridDim.y) {
        int zero = active[row] ? grids[row * blocks + first / length].zero : 0;
        levels[row * width + i] = active[row] ? codes[row * n + first + i] - zero : 0;
        products[row * width + i] = 0;
    }
}

// Moves the grid of that block where it pays, a thread for a row, since sums go in order; levels become the moves of its
// values, which subtract_product takes to the gradient. moved: [rows], whether this grid has; other arguments as above
extern "C" __global__ void refit_grids(
        const float* __restrict__ w, const float* __restrict__ gradient, const float* __restrict__ ones, GridRecord* grids,
        const uint8_t* __restrict__ codes, float* levels, const float* __restrict__ products,
        const int* __restrict__ active, int* moved, int* changed, int rows, int n, int first, int width, int length,
        int maxCode, int symmetric, double lambda) {
    long long row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    w += row * n + first;
    codes += row * n + first;
    gradient += row * n + first;
    levels += row * width;
    products += row * width;
    grids += row * ((n + length - 1) / length) + first / length;
    GridRecord before = *grids;
    GridRecord grid = before;
    ScaleError error;
    for (int i = 0; active[row] && i < width; i++) {
        double slope = slopeAt(gradient[i], lambda, finite(w[i]), before.value(codes[i]));
        error.add(slope, levels[i], products[i], ones[first + i], lambda);
    }
    bool better = active[row] && error.refit(grid, maxCode, symmetric);
    moved[row] = better;
    if (better) {
        *grids = grid;
        changed[row] = 1;
    }
    for (int i = 0; i < width; i++) {
        levels[i] = better ? sub(grid.value(codes[i]), before.value(codes[i])) : 0;
    }
}
