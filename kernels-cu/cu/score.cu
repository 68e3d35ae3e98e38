// Log-softmax statistics of a slice of logits, and its cross term against a reference (Scores.java puts slices together).
//
// Floor: a reference's slice is read twice from memory or cache and its exponentials are written, 12·rows·n bytes; a
// level's slice adds two reads, 16·rows·n. One exponential and two double additions per logit.
#include "ranked.cuh"
#include "reduce.cuh"
#include "row_score.cuh"

// Specification: one thread for a row. logits: [rows, n]; targets: [rows], place in the slice or negative; reference and
// exponentials: [rows, n] or null; scores: [rows]
extern "C" __global__ void score_naive(
        const float* logits,
        const int* targets,
        const float* reference,
        const float* exponentials,
        RowScore* scores,
        int rows,
        int n) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) {
        return;
    }
    long long at = (long long)row * n;
    RowScore score = {0, 0, -INFINITY, 0, -1, 0};
    for (int i = 0; i < n; i++) {
        if (logits[at + i] > score.max) {
            score.max = logits[at + i];
            score.argmax = i;
        }
    }
    for (int i = 0; i < n; i++) {
        score.sum += exp((double)logits[at + i] - score.max);
        if (reference != nullptr) {
            score.cross += exponentials[at + i] * ((double)reference[at + i] - logits[at + i]);
        }
    }
    if (targets[row] >= 0 && targets[row] < n) {
        score.target = logits[at + targets[row]];
    }
    scores[row] = score;
}

// The greatest logit of the row at z, in all threads, and its place; NaN is never the greatest.
__device__ float greatest(const float* z, int n, int* place) {
    __shared__ unsigned long long shared[32];
    unsigned long long best = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float logit = z[i];
        if (logit > -INFINITY) {
            best = max(best, ranked(logit, i));
        }
    }
    best = reduceBlock<unsigned long long, Max<unsigned long long>>(best, shared);
    if (best == 0) {
        *place = -1;
        return -INFINITY;
    }
    *place = placeOf(best);
    return z[*place];
}

__device__ void finish(
        const float* z, int n, int target, float max, int place, double sum, double cross, RowScore* score) {
    if (threadIdx.x == 0) {
        score->sum = sum;
        score->cross = cross;
        score->max = max;
        score->target = target >= 0 && target < n ? z[target] : 0;
        score->argmax = place;
        score->unused = 0;
    }
}

// One block for a row. logits: [gridDim.x, n]; targets: [gridDim.x]; exponentials: [gridDim.x, n], receives
// exp(z − max of the slice); scores: [gridDim.x]
extern "C" __global__ void score_reference(
        const float* __restrict__ logits,
        const int* __restrict__ targets,
        float* __restrict__ exponentials,
        RowScore* __restrict__ scores,
        int n) {
    __shared__ double shared[32];
    const float* z = logits + (long long)blockIdx.x * n;
    float* e = exponentials + (long long)blockIdx.x * n;
    int place;
    float max = greatest(z, n, &place);
    double sum = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        float exponential = expf(z[i] - max);
        e[i] = exponential;
        sum += exponential;
    }
    sum = reduceBlock<double, Sum<double>>(sum, shared);
    finish(z, n, targets[blockIdx.x], max, place, sum, 0, scores + blockIdx.x);
}

// The same for a level, against the reference's slice. reference, exponentials: [gridDim.x, n]
extern "C" __global__ void score_against(
        const float* __restrict__ logits,
        const int* __restrict__ targets,
        const float* __restrict__ reference,
        const float* __restrict__ exponentials,
        RowScore* __restrict__ scores,
        int n) {
    __shared__ double shared[32];
    long long at = (long long)blockIdx.x * n;
    const float* z = logits + at;
    int place;
    float max = greatest(z, n, &place);
    double sum = 0;
    double cross = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        sum += expf(z[i] - max);
        cross = fma((double)exponentials[at + i], (double)reference[at + i] - z[i], cross);
    }
    sum = reduceBlock<double, Sum<double>>(sum, shared);
    cross = reduceBlock<double, Sum<double>>(cross, shared);
    finish(z, n, targets[blockIdx.x], max, place, sum, cross, scores + blockIdx.x);
}
