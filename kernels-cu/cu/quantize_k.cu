// Round-to-nearest onto the published grids of the k-quants and iq4_xs, to the bytes that quant.ggml.KAffine, KSigned and
// UnevenFormat write, which are those of GGML's reference quantizers. Super-blocks of 256 weights; a thread fits a sub-block of 16 or 32, then the
// threads of a super-block share what sets its scales. Sums are in fp32, in order, and no product is fused with a sum:
// a sum that rounds otherwise changes codes.
//
// Floor: reads 4 bytes per weight, writes bits-per-weight / 8; but about 20 candidates for each sub-block, some ten operations
// per weight each, so arithmetic decides.
#include "k_affine.cuh"
#include "k_signed.cuh"
#include "k_uneven.cuh"
#include "reduce.cuh"

#define WARPS 4

// Specification: one thread for a super-block. Grid: x over the super-blocks of a row, y over rows. w: [rows, columns]; packed:
// rows × rowBytes bytes; fallbacks: added to
template <typename Quantizer>
__device__ __forceinline__ void quantizeAlone(
        const float* w, uint8_t* packed, long long rowBytes, int columns, unsigned long long* fallbacks) {
    constexpr int SUBS = Quantizer::SUBS;
    constexpr int EACH = Quantizer::EACH;
    int block = blockIdx.x * blockDim.x + threadIdx.x;
    if (block >= columns / LENGTH) {
        return;
    }
    w += (long long)blockIdx.y * columns + (long long)block * LENGTH;
    packed += blockIdx.y * rowBytes + (long long)block * Quantizer::BYTES;
    uint8_t codes[LENGTH];
    int8_t shares[2 * SUBS];
    Share all = {0, 0};
#pragma unroll 1
    for (int sub = 0; sub < SUBS; sub++) {
        all = Quantizer::join(all, Quantizer(w + sub * EACH).own());
    }
    Seen seen;
    bool flat = true;
#pragma unroll 1
    for (int sub = 0; sub < SUBS; sub++) {
        Quantizer quantizer(w + sub * EACH);
        quantizer.settle(all, sub, shares);
        seen.round(quantizer, w + sub * EACH, codes + sub * EACH);
        flat &= quantizer.step == 0;
    }
    Quantizer first(w);
    first.settle(all, 0, shares);
#pragma unroll 1
    for (int sub = 0; sub < SUBS; sub++) {
        first.put(sub, codes, shares, packed);
    }
    int left = (flat && seen.vanished ? 1 : 0) + (seen.clamped ? 1 : 0);
    if (left > 0) {
        atomicAdd(fallbacks, (unsigned long long)left);
    }
}

// A thread for a sub-block, whole super-blocks in a warp; rows are strided over. Arguments as above.
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
        Share own = quantizer.own();
        Share all = {0, 0};
#pragma unroll 4
        for (int i = 0; i < SUBS; i++) {
            Share other = {
                    __shfl_sync(FULL_WARP, own.scale, i, SUBS), __shfl_sync(FULL_WARP, own.minimum, i, SUBS)};
            all = Quantizer::join(all, other);
        }
        quantizer.settle(all, sub, shares[group]);
        Seen seen;
        seen.round(quantizer, from, codes[group] + sub * EACH);
        unsigned mine = ((1u << SUBS) - 1) << threadIdx.x % 32 / SUBS * SUBS;
        unsigned flat = __ballot_sync(FULL_WARP, quantizer.step == 0);
        unsigned gone = __ballot_sync(FULL_WARP, seen.vanished);
        unsigned cut = __ballot_sync(FULL_WARP, seen.clamped);
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
    extern "C" __global__ void quantize_##NAME##_naive( \
            const float* w, uint8_t* packed, long long rowBytes, int rows, int columns, int length, \
            unsigned long long* fallbacks) { \
        quantizeAlone<QUANTIZER>(w, packed, rowBytes, columns, fallbacks); \
    } \
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
QUANTIZE(iq4_xs, Iq4Xs)
