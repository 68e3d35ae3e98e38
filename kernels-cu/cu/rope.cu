// Rotates pairs (i, i + pairs) of each head in place (Su et al. 2021, equation 34).
//
// Floor: reads and writes 4 bytes for each of rows · heads · 2·pairs values; the tables stay in the cache.

// One thread for a pair. x: [rows, heads · headDim]; cosines, sines: [length, pairs], row r of x is position r mod length;
// n: rows · heads · pairs
extern "C" __global__ void rope(
        float* __restrict__ x,
        const float* __restrict__ cosines,
        const float* __restrict__ sines,
        long long n,
        int length,
        int heads,
        int headDim,
        int pairs) {
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x; t < n; t += stride) {
        int pair = (int)(t % pairs);
        long long rest = t / pairs;
        int head = (int)(rest % heads);
        long long row = rest / heads;
        float* at = x + (row * heads + head) * headDim + pair;
        long long angle = row % length * pairs + pair;
        float c = cosines[angle];
        float s = sines[angle];
        float a = at[0];
        float b = at[pairs];
        at[0] = a * c - b * s;
        at[pairs] = b * c + a * s;
    }
}
