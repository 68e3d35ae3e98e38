// Reductions over a block whose size is a multiple of 32. All threads take part and all receive the result; the order of
// the additions is fixed, so equal inputs give equal bits.
#pragma once

#define FULL_WARP 0xffffffffu

template <typename T>
struct Sum {
    static __device__ T apply(T a, T b) { return a + b; }
};

template <typename T>
struct Max {
    static __device__ T apply(T a, T b) { return a > b ? a : b; }
};

// Over the lanes of a warp.
template <typename T, typename Combine>
__device__ __forceinline__ T reduceWarp(T value) {
    for (int offset = 16; offset > 0; offset /= 2) {
        value = Combine::apply(value, __shfl_xor_sync(FULL_WARP, value, offset));
    }
    return value;
}

// shared: one T for each warp, at least 32. It may be used again after the call.
template <typename T, typename Combine>
__device__ T reduceBlock(T value, T* shared) {
    value = reduceWarp<T, Combine>(value);
    int warps = blockDim.x / 32;
    if (warps == 1) {
        return value;
    }
    if (threadIdx.x % 32 == 0) {
        shared[threadIdx.x / 32] = value;
    }
    __syncthreads();
    value = shared[0];
    for (int warp = 1; warp < warps; warp++) {
        value = Combine::apply(value, shared[warp]);
    }
    __syncthreads();
    return value;
}
