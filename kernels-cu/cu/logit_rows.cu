// Scores of the tiles of a slice into scores of the slice, for what logits.cuh leaves behind.
//
// Floor: reads 72 bytes for each row and tile of 128 logits, 32 without likely tokens; writes 72 for each row. One
// exponential a tile.
#include "ranked.cuh"
#include "reduce.cuh"
#include "row_score.cuh"

// A warp for a row, a lane for every 32nd tile; the order of the additions depends on their number alone.
// parts: [m, tiles]; best: [m, tiles, 5], or null; targets: [m], place in the slice, of 128 logits a tile, or negative;
// scores: [m]; tokens: [m, 5], or null
extern "C" __global__ void logit_rows(
        const RowScore* __restrict__ parts,
        const unsigned long long* __restrict__ best,
        const int* __restrict__ targets,
        int m,
        int tiles,
        RowScore* __restrict__ scores,
        Token* __restrict__ tokens) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32;
    int lane = threadIdx.x % 32;
    if (row >= m) {
        return;
    }
    parts += (long long)row * tiles;
    unsigned long long first = 0;
    for (int tile = lane; tile < tiles; tile += 32) {
        if (parts[tile].argmax >= 0) {
            first = max(first, ranked(parts[tile].max, parts[tile].argmax));
        }
    }
    first = reduceWarp<unsigned long long, Max<unsigned long long>>(first);
    float greatest = first == 0 ? -INFINITY : logitOf(first);
    double sum = 0;
    double cross = 0;
    for (int tile = lane; tile < tiles; tile += 32) {
        sum += parts[tile].sum * exp((double)parts[tile].max - greatest);
        cross += parts[tile].cross;
    }
    sum = reduceWarp<double, Sum<double>>(sum);
    cross = reduceWarp<double, Sum<double>>(cross);
    if (lane == 0) {
        int tile = targets[row] / 128;
        bool here = targets[row] >= 0 && tile < tiles;
        scores[row] = {sum, cross, greatest, here ? parts[tile].target : 0, first == 0 ? -1 : placeOf(first), 0};
    }
    if (tokens == nullptr) {
        return;
    }
    Best own;
    for (int tile = lane; tile < tiles; tile += 32) {
#pragma unroll
        for (int rank = 0; rank < COUNT; rank++) {
            own.take(best[((long long)row * tiles + tile) * COUNT + rank]);
        }
    }
    for (int rank = 0; rank < COUNT; rank++) {
        unsigned long long next = reduceWarp<unsigned long long, Max<unsigned long long>>(own.held[0]);
        own.dropIf(next);
        if (lane == 0) {
            tokens[row * COUNT + rank] = tokenOf(next);
        }
    }
}
