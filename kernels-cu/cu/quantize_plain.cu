// Weights as fp16 or bf16 numbers, to the bytes that quant.FloatFormat writes: NaN and infinities are kept, finite weights
// beyond the range become the largest number.
//
// Floor: reads 4, writes 2 bytes per weight. A thread rounds one weight after another, so the kernel is its own specification.
#include "half_scale.cuh"

struct Half {
    static __device__ __forceinline__ uint16_t nearest(float weight) {
        // The conversion would lose sign and payload of a NaN.
        uint32_t bits = __float_as_uint(weight);
        return weight != weight ? (bits >> 16 & 0x8000) | 0x7E00 | (bits >> 13 & 0x3FF) : toHalf(weight);
    }
    static constexpr uint16_t LARGEST = 0x7BFF;
    static constexpr uint16_t INFINITE = 0x7C00;
};

struct Brain {
    static __device__ __forceinline__ uint16_t nearest(float weight) {
        return weight != weight ? (__float_as_uint(weight) >> 16 & 0x8000) | 0x7FC0 : toBf16(weight);
    }
    static constexpr uint16_t LARGEST = 0x7F7F;
    static constexpr uint16_t INFINITE = 0x7F80;
};

// A thread for a column, which strides over rows. w: [rows, columns]; packed: rows × rowBytes bytes, even; fallbacks: added
// to, weights beyond the range
template <typename Number>
__device__ __forceinline__ void quantizeRows(
        const float* __restrict__ w, uint8_t* packed, long long rowBytes, int rows, int columns,
        unsigned long long* fallbacks) {
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= columns) {
        return;
    }
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        float weight = w[(long long)row * columns + column];
        uint16_t code = Number::nearest(weight);
        if ((code & 0x7FFF) == Number::INFINITE && isfinite(weight)) {
            code = (code & 0x8000) | Number::LARGEST;
            atomicAdd(fallbacks, 1ULL);
        }
        ((uint16_t*)(packed + row * rowBytes))[column] = code;
    }
}

extern "C" __global__ void quantize_fp16(
        const float* w, uint8_t* packed, long long rowBytes, int rows, int columns, int length,
        unsigned long long* fallbacks) {
    quantizeRows<Half>(w, packed, rowBytes, rows, columns, fallbacks);
}

extern "C" __global__ void quantize_bf16(
        const float* w, uint8_t* packed, long long rowBytes, int rows, int columns, int length,
        unsigned long long* fallbacks) {
    quantizeRows<Brain>(w, packed, rowBytes, rows, columns, fallbacks);
}
