// x = cap · tanh(x / cap) (Gemma 2, arXiv 2408.00118, section 2).
//
// Floor: reads and writes 4·n bytes.

// x: [n]
extern "C" __global__ void soft_cap(float* __restrict__ x, float cap, long long n) {
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
        x[i] = cap * tanhf(x[i] / cap);
    }
}
