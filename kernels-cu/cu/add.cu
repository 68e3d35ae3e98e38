// x += y, x += bias for each row, and a sum of two numbers each.
//
// Floor: reads 8·n and writes 4·n bytes; with a bias it reads 4·n, a compensated sum reads and writes 12·n. One rounding per element, so fast and specification
// agree to the bit.

// Specification. x, y: [n]
extern "C" __global__ void add_naive(float* x, const float* y, long long n) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < n) {
        x[i] += y[i];
    }
}

// x, y: [n], both on 16 bytes or neither: four at a time where they are. x and y may be the same.
extern "C" __global__ void add(float* x, const float* y, long long n) {
    long long thread = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    long long stride = (long long)gridDim.x * blockDim.x;
    bool aligned = (((unsigned long long)x | (unsigned long long)y) & 15) == 0;
    long long quads = aligned ? n / 4 : 0;
    float4* x4 = (float4*)x;
    const float4* y4 = (const float4*)y;
    for (long long i = thread; i < quads; i += stride) {
        float4 a = x4[i];
        float4 b = y4[i];
        x4[i] = make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
    }
    for (long long i = 4 * quads + thread; i < n; i += stride) {
        x[i] += y[i];
    }
}

// x: [n / columns, columns]; bias: [columns]
extern "C" __global__ void add_bias(float* x, const float* bias, long long n, int columns) {
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
        x[i] += bias[i % columns];
    }
}

// sums + low += part, part = 0, by Knuth's TwoSum: low collects what the roundings of sums leave out. part, sums, low: [n]
extern "C" __global__ void add_compensated(float* part, float* sums, float* low, long long n) {
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
        float a = sums[i];
        float b = part[i];
        float sum = a + b;
        float added = sum - a;
        sums[i] = sum;
        low[i] += a - (sum - added) + (b - added);
        part[i] = 0;
    }
}
