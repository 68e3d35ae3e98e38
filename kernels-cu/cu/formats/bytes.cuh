// Bytes of packed blocks, at any alignment. Blocks have sizes such as 17 or 67 bytes, so nothing in them is aligned. Loads are
// of whole aligned words that hold at least one byte that was asked for, so nothing before the first or behind the last word
// of packed memory is touched; packed memory must end on a multiple of four bytes.
#pragma once
#include <cstdint>

// Up to eight codes, one in each byte, the first in the lowest byte of lo.
struct Octet {
    uint32_t lo;
    uint32_t hi;

    __device__ __forceinline__ int operator[](int i) const { return (i < 4 ? lo >> 8 * i : hi >> 8 * (i - 4)) & 0xFF; }
};

// bytes[0..count), 1 <= count <= 8; what lies above is undefined.
__device__ __forceinline__ uint2 loadBytes(const uint8_t* bytes, int count) {
    uintptr_t address = (uintptr_t)bytes;
    const uint32_t* words = (const uint32_t*)(address & ~(uintptr_t)3);
    int skipped = address & 3;
    uint32_t first = __ldg(words);
    uint32_t second = skipped + count > 4 ? __ldg(words + 1) : 0;
    uint32_t third = skipped + count > 8 ? __ldg(words + 2) : 0;
    return make_uint2(__funnelshift_r(first, second, 8 * skipped), __funnelshift_r(second, third, 8 * skipped));
}

__device__ __forceinline__ uint32_t load32(const uint8_t* bytes) { return loadBytes(bytes, 4).x; }

__device__ __forceinline__ uint32_t load16(const uint8_t* bytes) { return loadBytes(bytes, 2).x & 0xFFFF; }

// The fp32 value of fp16 bits in the lower half of a word, exact.
__device__ __forceinline__ float halfBits(uint32_t bits) {
    float value;
    asm("{ .reg .b16 h; cvt.u16.u32 h, %1; cvt.f32.f16 %0, h; }" : "=f"(value) : "r"(bits));
    return value;
}

__device__ __forceinline__ float loadHalf(const uint8_t* bytes) { return halfBits(load16(bytes)); }

// Spreads eight bits over eight bytes, lowest first.
__device__ __forceinline__ Octet spread1(uint32_t bits) {
    // The multiplication copies the nibble to every seventh bit, so bit i of it ends up at bit 8·i.
    return {((bits & 15) * 0x00204081u) & 0x01010101u, ((bits >> 4 & 15) * 0x00204081u) & 0x01010101u};
}

// Spreads eight two-bit codes over eight bytes, lowest first.
__device__ __forceinline__ Octet spread2(uint32_t bits) {
    uint32_t low = (bits & 0xFF) | (bits & 0xFF) << 12;   // codes 0 1 | 2 3 at bits 0 and 16
    uint32_t high = (bits >> 8 & 0xFF) | (bits >> 8 & 0xFF) << 12;
    low = (low | low << 6) & 0x03030303u;
    high = (high | high << 6) & 0x03030303u;
    return {low, high};
}

// BITS bits of codes at, at + 1, … at + 7 of a block in which the codes that share a byte stand STRIDE positions apart:
// position p = (g × 8 / BITS + k) × STRIDE + l lies in byte g × STRIDE + l, shifted left by k × BITS (quant.ggml.Plane).
// at: a multiple of 8, as is STRIDE.
template <int BITS, int STRIDE>
__device__ __forceinline__ Octet plane(const uint8_t* bytes, int at) {
    constexpr int PER_BYTE = 8 / BITS;
    constexpr uint32_t MASK = ((1u << BITS) - 1) * 0x01010101u;
    int run = at / STRIDE;
    uint2 words = loadBytes(bytes + run / PER_BYTE * STRIDE + at % STRIDE, 8);
    int shift = run % PER_BYTE * BITS;
    return {words.x >> shift & MASK, words.y >> shift & MASK};
}

// low + (high << UP), code by code.
template <int UP>
__device__ __forceinline__ Octet join(Octet low, Octet high) {
    return {low.lo | high.lo << UP, low.hi | high.hi << UP};
}

// w[i] = scale × (code − zero), rounded once, as the scalar decoder does.
__device__ __forceinline__ void scaled(Octet codes, float scale, int zero, float (&w)[8]) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        w[i] = scale * (float)(codes[i] - zero);
    }
}

// w[i] = scale × code + offset, product and sum rounded by themselves: the scalar decoder does not fuse them.
__device__ __forceinline__ void affine(Octet codes, float scale, float offset, float (&w)[8]) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        w[i] = __fadd_rn(__fmul_rn(scale, (float)codes[i]), offset);
    }
}

// w[i] = scale × table[code], sixteen signed bytes as the table, lowest byte first.
__device__ __forceinline__ void lookedUp(
        Octet codes, float scale, uint32_t t0, uint32_t t1, uint32_t t2, uint32_t t3, float (&w)[8]) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int code = codes[i];
        uint32_t level = code & 8 ? __byte_perm(t2, t3, code & 7) : __byte_perm(t0, t1, code & 7);
        w[i] = scale * (float)(int8_t)(level & 0xFF);
    }
}
