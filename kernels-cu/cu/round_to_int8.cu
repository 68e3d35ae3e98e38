// Each row to 8 bits and back: s = 127 / max(|x|, 1e-5), x = clamp(round(x·s), −128, 127) / s, halves to even (BitNet
// b1.58, arXiv 2402.17764, section 2). A NaN makes its whole row NaN.
//
// Floor: reads and writes 4·rows·columns bytes each.
#include "reduce.cuh"

// One block for a row. Magnitudes are compared as integers, which orders them as floats do and puts NaN on top.
// x: [gridDim.x, columns]
extern "C" __global__ void round_to_int8(float* __restrict__ x, int columns) {
    __shared__ unsigned shared[32];
    x += (long long)blockIdx.x * columns;
    unsigned greatest = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        greatest = max(greatest, __float_as_uint(x[i]) & 0x7fffffffu);
    }
    float magnitude = __uint_as_float(reduceBlock<unsigned, Max<unsigned>>(greatest, shared));
    float scale = __fdiv_rn(127.0f, magnitude < 1e-5f ? 1e-5f : magnitude);
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        float rounded = rintf(__fmul_rn(x[i], scale));
        rounded = rounded < -128 ? -128 : rounded > 127 ? 127 : rounded;
        x[i] = __fdiv_rn(rounded, scale);
    }
}
