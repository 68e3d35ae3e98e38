// GPTQ's column loop (gptq.cu) on the k-quants and iq4_xs, with the published grids, to the CPU's bytes. Fits are those of
// quantize_k.cu, whose naive kernels specify them; the loop's specification is gptq_naive.
//
// Floor: that of gptq.cu; a grid is read for every weight, mostly from a cache.
#include "column_loop.cuh"
#include "k_affine.cuh"
#include "k_signed.cuh"
#include "k_uneven.cuh"

// Room for the grid of a sub-block, whatever its format.
#define GRID_BYTES 40

// Grids of a super-block: SUBS of them, then what is stored of their scales, [2, SUBS].
template <typename Quantizer>
struct SuperGrid {
    uint8_t* at;

    static constexpr int BYTES = Quantizer::SUBS * (GRID_BYTES + 2);

    __device__ __forceinline__ SuperGrid(uint8_t* grids, long long number) : at(grids + BYTES * number) {}

    __device__ __forceinline__ Quantizer* part(int sub) const {
        static_assert(sizeof(Quantizer) <= GRID_BYTES, "a grid has to fit");
        return (Quantizer*)(at + GRID_BYTES * sub);
    }

    __device__ __forceinline__ int8_t* shares() const { return (int8_t*)(at + GRID_BYTES * Quantizer::SUBS); }
};

// The published grids of `count` super-blocks of each row from `from` on; a thread for a sub-block, rows × count super-blocks in
// all. Codes are those of the weights as they are now. w: [rows, n], finite; grids: [rows, n / LENGTH], each a SuperGrid;
// codes: [rows, n]; fallbacks: added to
template <typename Quantizer>
__device__ __forceinline__ void fitGrids(
        const float* w, uint8_t* grids, uint8_t* codes, int rows, int n, int from, int count,
        unsigned long long* fallbacks) {
    constexpr int SUBS = Quantizer::SUBS;
    constexpr int EACH = Quantizer::EACH;
    int sub = threadIdx.x % SUBS;
    long long number = ((long long)blockIdx.x * blockDim.x + threadIdx.x) / SUBS;
    bool inside = number < (long long)rows * count;
    long long row = inside ? number / count : 0;
    int block = from + (inside ? (int)(number % count) : 0);
    long long first = row * n + (long long)block * LENGTH + sub * EACH;
    Quantizer quantizer(w + first);
    Share own = quantizer.own();
    Share all = {0, 0};
#pragma unroll 4
    for (int i = 0; i < SUBS; i++) {
        Share other = {__shfl_sync(FULL_WARP, own.scale, i, SUBS), __shfl_sync(FULL_WARP, own.minimum, i, SUBS)};
        all = Quantizer::join(all, other);
    }
    int8_t shares[2 * SUBS];
    quantizer.settle(all, sub, shares);
    Seen seen;
    if (inside) {
        seen.round(quantizer, w + first, codes + first);
        SuperGrid<Quantizer> grid(grids, row * (n / LENGTH) + block);
        *grid.part(sub) = quantizer;
        grid.shares()[sub] = shares[sub];
        grid.shares()[SUBS + sub] = shares[SUBS + sub];
    }
    unsigned mine = ((1u << SUBS) - 1) << threadIdx.x % 32 / SUBS * SUBS;
    unsigned flat = __ballot_sync(FULL_WARP, quantizer.step == 0);
    unsigned gone = __ballot_sync(FULL_WARP, seen.vanished);
    unsigned cut = __ballot_sync(FULL_WARP, seen.clamped);
    int left = ((flat & mine) == mine && (gone & mine) != 0 ? 1 : 0) + ((cut & mine) != 0 ? 1 : 0);
    if (inside && sub == 0 && left > 0) {
        atomicAdd(fallbacks, (unsigned long long)left);
    }
}

// Rounds a batch, see roundColumns.
template <typename Quantizer>
__device__ __forceinline__ void roundBatch(
        const float* work, const float* upper, const int* order, uint8_t* grids, uint8_t* codes, float* errors, int pitch,
        int rows, int n, int begin, int width) {
    auto round = [&](long long row, int column, float weight, int& code) {
        SuperGrid<Quantizer> super(grids, row * (n / LENGTH) + column / LENGTH);
        Quantizer grid = *super.part(column % LENGTH / Quantizer::EACH);
        code = Quantizer::IDLES && grid.step == 0 ? codes[row * n + column] : grid.nearest(&weight, 0);
        return grid.value(code);
    };
    roundColumns(work, upper, order, codes, errors, pitch, rows, n, begin, width, round);
}

// Grids and codes as they are stored, a thread for a sub-block. Grid: x over those of a row, y over rows, which it strides.
// packed: rows × rowBytes bytes
template <typename Quantizer>
__device__ __forceinline__ void packBlocks(
        uint8_t* grids, const uint8_t* codes, uint8_t* packed, long long rowBytes, int rows, int n) {
    int index = blockIdx.x * blockDim.x + threadIdx.x;
    int block = index / Quantizer::SUBS;
    int sub = index % Quantizer::SUBS;
    for (long long row = blockIdx.y; row < rows && block < n / LENGTH; row += gridDim.y) {
        SuperGrid<Quantizer> super(grids, row * (n / LENGTH) + block);
        super.part(sub)->put(
                sub, codes + row * n + (long long)block * LENGTH, super.shares(),
                packed + row * rowBytes + (long long)block * Quantizer::BYTES);
    }
}

#define FEEDBACK(NAME, QUANTIZER) \
    extern "C" __global__ void fit_##NAME( \
            const float* w, uint8_t* grids, uint8_t* codes, int rows, int n, int from, int count, int length, \
            unsigned long long* fallbacks) { \
        fitGrids<QUANTIZER>(w, grids, codes, rows, n, from, count, fallbacks); \
    } \
    extern "C" __global__ void gptq_##NAME( \
            const float* work, const float* upper, const int* order, uint8_t* grids, uint8_t* codes, float* errors, \
            int pitch, int rows, int n, int begin, int width, int length) { \
        roundBatch<QUANTIZER>(work, upper, order, grids, codes, errors, pitch, rows, n, begin, width); \
    } \
    extern "C" __global__ void pack_##NAME( \
            uint8_t* grids, const uint8_t* codes, uint8_t* packed, long long rowBytes, int rows, int n, int length) { \
        packBlocks<QUANTIZER>(grids, codes, packed, rowBytes, rows, n); \
    }

FEEDBACK(q2_k, Affine<2>)
FEEDBACK(q3_k, Signed<3>)
FEEDBACK(q4_k, Affine<4>)
FEEDBACK(q5_k, Affine<5>)
FEEDBACK(q6_k, Signed<6>)
FEEDBACK(iq4_xs, Iq4Xs)
