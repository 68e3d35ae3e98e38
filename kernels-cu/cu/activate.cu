// x = f(x) and gate = f(gate) · up, f as in Activation.java, by its ordinal.
//
// Floor: reads and writes 4·n bytes; with a gate it reads 8·n.

// x / (1 + e⁻ˣ)
static __device__ float silu(float x) {
    return x / (1 + expf(-x));
}

// x·Φ(x); erfc keeps the relative precision of the left tail.
static __device__ float gelu(float x) {
    return 0.5f * x * erfcf(-x * 0.70710678118654752f);
}

// x/2·(1 + tanh(u)) = x / (1 + e⁻²ᵘ), u = √(2/π)·(x + 0.044715·x³): without the cancellation where tanh is near −1.
static __device__ float geluTanh(float x) {
    float u = 0.79788456080286536f * fmaf(0.044715f * x * x, x, x);
    return x / (1 + expf(-2 * u));
}

static __device__ float activation(int f, float x) {
    switch (f) {
        case 0:
            return silu(x);
        case 1:
            return gelu(x);
        case 2:
            return geluTanh(x);
        case 3:
            return x <= 0 ? 0 : x;
        default:
            return x <= 0 ? 0 : x * x;
    }
}

// x: [n]
extern "C" __global__ void activate(int f, float* __restrict__ x, long long n) {
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
        x[i] = activation(f, x[i]);
    }
}

// gate, up: [n]
extern "C" __global__ void activate_multiply(
        int f, float* __restrict__ gate, const float* __restrict__ up, long long n) {
    long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += stride) {
        gate[i] = activation(f, gate[i]) * up[i];
    }
}
