// Logits scored where they are computed: a block multiplies 128 rows of normed hidden states with 128 entries of the
// vocabulary, and what leaves it are five words of sums and at most five tokens for each row, not the logits. logit_rows.cu
// puts the tiles of a slice together; Scores.java the slices.
//
// Floor, with k hidden columns: 2·m·n·k operations, as of the product alone, and its bytes but for the result. Instead of
// writing 4·m·n bytes of logits and reading them five times (soft cap, greatest, sums, most likely tokens), 72 bytes for each
// row and tile of 128 are written and read once: 1.1 bytes a logit instead of 24 to 32. Two exponentials a logit, and one
// operation in double for every four of them; at k = 4096 that is some 5 % of what mma.sync takes.
//
// A level's divergence needs the reference's logits of the same place. To multiply again would take k multiply-adds for each,
// to read them takes 4 bytes: at k = 4096 ten times less time on any GPU with tensor cores, so the reference leaves its tile
// behind, rows × 8192 at most, for all levels that follow. Without levels nothing is left.
#pragma once
#include "ranked.cuh"
#include "row_score.cuh"

#define FULL_WARP 0xffffffffu
// Rows and columns of a block's tile. Partial sums are those of 128 columns whatever the device, so results are too.
#define LOGIT_TILE 128
#define LOGIT_THREADS 256
// Rows that are in shared memory at a time, four threads for each.
#define STAGED 64
// Floats from one of them to the next: two rows, as a quarter of a warp reads them 16 bytes a thread, lie in different banks.
#define PITCH 144

// What is wanted of a slice's logits [m, n].
struct LogitWork {
    int m;
    int n;
    float cap;                        // of the logits, or 0 for none
    const int* targets;               // [m], place in the slice, or negative
    const float* least;               // [m], what a logit has to exceed to count as a likely token; null if none is wanted
    float* kept;                      // [m, pitch], receives the logits, or null
    const float* reference;           // [m, pitch], what the reference kept, or null
    const RowScore* referenceScores;  // [m], of the reference's whole slice, or null
    int pitch;                        // a multiple of 4
    RowScore* parts;                  // [m, ⌈n / 128⌉], receives sums; cross terms with the greatest of the reference's slice
    unsigned long long* best;         // [m, ⌈n / 128⌉, 5], receives ranked logits, 0 where there are no more
};

template <typename T>
__device__ __forceinline__ T sumOfFour(T value) {
    value += __shfl_xor_sync(FULL_WARP, value, 1);
    return value + __shfl_xor_sync(FULL_WARP, value, 2);
}

__device__ __forceinline__ unsigned long long greatestOfFour(unsigned long long value) {
    value = max(value, __shfl_xor_sync(FULL_WARP, value, 1));
    return max(value, __shfl_xor_sync(FULL_WARP, value, 2));
}

// z = cap · tanh(z / cap), as soft_cap.cu has it.
__device__ __forceinline__ float capped(float z, float cap) { return cap == 0 ? z : cap * tanhf(z / cap); }

// One row of a tile, by four threads that take 4 of its columns in turn.
// z: [128] in shared memory, the products; changed
__device__ __forceinline__ void scoreRow(const LogitWork& work, float* z, int row) {
    int quarter = threadIdx.x % 4;
    int firstColumn = blockIdx.x * LOGIT_TILE;
    int count = row < work.m ? min(LOGIT_TILE, work.n - firstColumn) : 0;
    long long at = (long long)row * work.pitch + firstColumn;
    float greatest = -INFINITY;
    int place = 0;
    Best own;
    float least = count > 0 && work.least != nullptr ? work.least[row] : INFINITY;
#pragma unroll 1
    for (int c = 4 * quarter; c < count; c += 16) {
        float4 products = *(const float4*)(z + c);
        float logits[4] = {products.x, products.y, products.z, products.w};
#pragma unroll
        for (int e = 0; e < 4; e++) {
            logits[e] = c + e < count ? capped(logits[e], work.cap) : -INFINITY;
            if (logits[e] > greatest) {
                greatest = logits[e];
                place = c + e;
            }
            if (logits[e] > least) {
                own.offer(logits[e], firstColumn + c + e);
            }
        }
        float4 four = make_float4(logits[0], logits[1], logits[2], logits[3]);
        *(float4*)(z + c) = four;
        if (work.kept != nullptr) {
            *(float4*)(work.kept + at + c) = four;
        }
    }
    unsigned long long first = greatestOfFour(greatest > -INFINITY ? ranked(greatest, firstColumn + place) : 0);
    float shift = first == 0 ? 0 : logitOf(first);
    float referenceShift = count > 0 && work.reference != nullptr ? work.referenceScores[row].max : 0;

    double sum = 0;
    double cross = 0;
#pragma unroll 1
    for (int c = 4 * quarter; c < count; c += 16) {
        float4 four = *(const float4*)(z + c);
        sum += (expf(four.x - shift) + expf(four.y - shift)) + (expf(four.z - shift) + expf(four.w - shift));
        if (work.reference != nullptr) {
            float4 before = *(const float4*)(work.reference + at + c);
            float logits[4] = {four.x, four.y, four.z, four.w};
            float references[4] = {before.x, before.y, before.z, before.w};
            float term = 0;
#pragma unroll
            for (int e = 0; e < 4; e++) {
                if (c + e < count) {
                    term = fmaf(expf(references[e] - referenceShift), references[e] - logits[e], term);
                }
            }
            cross += term;
        }
    }
    sum = sumOfFour(sum);
    cross = sumOfFour(cross);
    int target = count > 0 ? work.targets[row] - firstColumn : -1;
    float mine = target >= 0 && target < count && target / 4 % 4 == quarter ? z[target] : 0;
    mine = sumOfFour(mine);
    long long part = (long long)row * gridDim.x + blockIdx.x;
    if (count > 0 && quarter == 0) {
        work.parts[part] = {sum, cross, first == 0 ? -INFINITY : shift, mine, first == 0 ? -1 : placeOf(first), 0};
    }
    if (work.least != nullptr) {
        for (int rank = 0; rank < COUNT; rank++) {
            unsigned long long best = greatestOfFour(own.held[0]);
            own.dropIf(best);
            if (count > 0 && quarter == 0) {
                work.best[part * COUNT + rank] = best;
            }
        }
    }
}

// A tile's rows in two halves. z: STAGED × PITCH floats of shared memory, free after a barrier; stage(half, z) writes the
// products of rows [64·half, 64·half + 64), those beyond m and n included.
template <typename Stage>
__device__ __forceinline__ void scoreTile(const LogitWork& work, float* z, Stage stage) {
    int line = threadIdx.x / 4;
#pragma unroll 1
    for (int half = 0; half < 2; half++) {
        __syncthreads();
        stage(half, z);
        __syncthreads();
        scoreRow(work, z + line * PITCH, blockIdx.y * LOGIT_TILE + half * STAGED + line);
    }
}
