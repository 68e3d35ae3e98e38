// Packed weights → a dense tensor, bit for bit what the scalar decoders of org.bitscarp.quant give: all rows in turn, or rows
// by index, as embeddings of tokens are looked up.
//
// Floor: reads bits-per-weight / 8 bytes, writes 4 (fp32) or 2 (fp16, bf16) bytes per weight; memory decides.
#pragma once
#include "formats/bytes.cuh"
#include "numbers.cuh"

// A thread decodes eight weights of a block. Grid: x over the octets of a row, y over rows, which it strides.
// packed: rows × rowBytes bytes, row after row; index: [rows], which of them is row i of out, or null for row i; out: [rows,
// columns]; length: weights in a full block
template <typename Format>
__device__ __forceinline__ void decodeRows(
        const uint8_t* packed, const int* index, void* out, int target, int rows, int columns, int length, int zero,
        long long rowBytes) {
    int blockLength = Format::LENGTH > 0 ? Format::LENGTH : length;
    int octets = (blockLength + 7) / 8;
    int number = blockIdx.x * blockDim.x + threadIdx.x;
    int block = number / octets;
    int at = (number - block * octets) * 8;
    long long column = (long long)block * blockLength + at;
    if (column >= columns) {
        return;
    }
    int blockEnd = Format::LENGTH > 0 ? blockLength : min(blockLength, (int)(columns - (column - at)));
    int count = min(8, blockEnd - at);
    if (count <= 0) {
        return;
    }
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        long long line = index == nullptr ? row : index[row];
        const uint8_t* bytes = packed + line * rowBytes + (long long)block * Format::blockBytes(blockLength, zero);
        float w[8];
        Format::octet(bytes, at, count, zero, w);
        long long place = (long long)row * columns + column;
        float4* to = (float4*)((float*)out + place);
        if (target == FP32 && count == 8 && (uintptr_t)to % 16 == 0) {
            to[0] = make_float4(w[0], w[1], w[2], w[3]);
            to[1] = make_float4(w[4], w[5], w[6], w[7]);
        } else {
#pragma unroll
            for (int i = 0; i < 8; i++) {
                if (i < count) {
                    storeAs(target, out, place + i, w[i]);
                }
            }
        }
    }
}

#define DECODE(NAME, FORMAT) \
    extern "C" __global__ void decode_##NAME( \
            const uint8_t* packed, const int* index, void* out, int target, int rows, int columns, int length, int zero, \
            long long rowBytes) { \
        decodeRows<FORMAT>(packed, index, out, target, rows, columns, length, zero, rowBytes); \
    }
