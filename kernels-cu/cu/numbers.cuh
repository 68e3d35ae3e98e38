// Types of dense values, fp16 and bf16 rounded to nearest, ties to even. The numbers are those of DenseType in the launch code.
#pragma once
#include <cstdint>

enum Target { FP32 = 0, FP16 = 1, BF16 = 2, TF32 = 3 };

__device__ __forceinline__ uint16_t toHalf(float value) {
    uint16_t bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}

// Round to nearest even by integers, since sm_75 has no such instruction; a NaN stays one.
__device__ __forceinline__ uint16_t toBf16(float value) {
    uint32_t bits = __float_as_uint(value);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) {
        return bits >> 16 | 0x40;
    }
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

// Ten explicit bits of mantissa in the upper bits of an fp32 number, rounded to nearest, ties away from zero.
__device__ __forceinline__ float toTf32(float value) {
    uint32_t bits = __float_as_uint(value);
    return __uint_as_float((bits & 0x7FFFFFFF) > 0x7F800000 ? 0x7FFFE000u : (bits + 0x1000) & 0xFFFFE000u);
}

__device__ __forceinline__ void storeAs(int target, void* out, long long index, float value) {
    if (target == FP32 || target == TF32) {
        ((float*)out)[index] = target == TF32 ? toTf32(value) : value;
    } else {
        ((uint16_t*)out)[index] = target == FP16 ? toHalf(value) : toBf16(value);
    }
}
