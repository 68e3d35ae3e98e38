// Causal softmax attention within windows of rows: grouped queries, temperature, soft cap and sliding window as
// AttentionShape.java says. Scores never leave the block: online softmax (Milakov and Gimelshein 2018, algorithm 3) over
// tiles of keys (Dao et al. 2022, algorithm 1).
//
// Floor: 4·visible·headDim operations per row and head with visible ≈ length / 2; memory 4·(2·heads + 2·kvHeads)·headDim
// bytes a row. In fp32 without tensor cores: a layer's linear maps take many times as long.

// Columns of the output that a thread holds; heads of up to 32 · ACCUMULATORS columns.
#define ACCUMULATORS 16
#define THREADS 256

static __device__ int firstVisible(int row, int window) {
    return window == 0 || row < window ? 0 : row - window + 1;
}

static __device__ float capped(float score, float cap) {
    return cap == 0 ? score : cap * tanhf(score / cap);
}

// Specification: one thread for an element of the output. q, out: [rows, heads · headDim]; k, v: [rows, kvHeads · headDim]
extern "C" __global__ void attention_naive(
        const float* q,
        const float* k,
        const float* v,
        float* out,
        int rows,
        int length,
        int heads,
        int kvHeads,
        int headDim,
        float scale,
        float cap,
        int window) {
    long long t = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (t >= (long long)rows * heads * headDim) {
        return;
    }
    int column = (int)(t % headDim);
    int head = (int)(t / headDim % heads);
    int row = (int)(t / headDim / heads);
    int start = row - row % length;
    const float* query = q + ((long long)row * heads + head) * headDim;
    int kvHead = head / (heads / kvHeads);
    double max = -INFINITY;
    double sum = 0;
    double mix = 0;
    for (int other = start + firstVisible(row - start, window); other <= row; other++) {
        long long at = ((long long)other * kvHeads + kvHead) * headDim;
        double dot = 0;
        for (int i = 0; i < headDim; i++) {
            dot += (double)query[i] * k[at + i];
        }
        double score = dot * scale;
        score = cap == 0 ? score : cap * tanh(score / cap);
        double above = score > max ? score : max;
        double kept = exp(max - above);
        double weight = exp(score - above);
        sum = sum * kept + weight;
        mix = mix * kept + weight * v[at + column];
        max = above;
    }
    out[t] = (float)(mix / sum);
}

// Copies rows [first, last) of one head into a tile, zeros beyond them and beyond headDim up to stride.
// from: [·, pitch]; tile: [TILE, stride]
template <int TILE>
static __device__ void loadTile(
        const float* __restrict__ from, int first, int last, int pitch, int headDim, float* tile, int stride) {
    for (int i = threadIdx.x; i < TILE * stride; i += THREADS) {
        int row = first + i / stride;
        int column = i % stride;
        tile[i] = row < last && column < headDim ? from[(long long)row * pitch + column] : 0;
    }
}

// q, out: [windows · length, heads · headDim]; k, v: [windows · length, kvHeads · headDim].
// A block for TILE rows of one head of one window; THREADS / TILE threads share a row, each with TILE² / THREADS keys of a
// tile and groups of four columns of the output. Keys and values take turns in the same shared memory. Rows of
// shared tiles are 4 floats longer than the head, so that threads of a row read different banks.
template <int TILE>
static __device__ void attend(
        const float* __restrict__ q,
        const float* __restrict__ k,
        const float* __restrict__ v,
        float* __restrict__ out,
        int length,
        int heads,
        int kvHeads,
        int headDim,
        float scale,
        float cap,
        int window) {
    constexpr int SHARE = THREADS / TILE;
    constexpr int KEYS = TILE / SHARE > 0 ? TILE / SHARE : 1;
    extern __shared__ float4 memory[];
    int wide = (headDim + 3) / 4 * 4;
    int stride = wide + 4;
    float* queries = (float*)memory;
    float* others = queries + TILE * stride;
    float* weights = others + TILE * stride;

    int head = blockIdx.y;
    int kvHead = head / (heads / kvHeads);
    // Long rows first: the last blocks to start are then the short ones.
    int firstRow = (gridDim.x - 1 - blockIdx.x) * TILE;
    int lastRow = min(length, firstRow + TILE);
    long long start = (long long)blockIdx.z * length;
    int pitch = heads * headDim;
    int kvPitch = kvHeads * headDim;
    q += start * pitch + head * headDim;
    out += start * pitch + head * headDim;
    k += start * kvPitch + kvHead * headDim;
    v += start * kvPitch + kvHead * headDim;

    int mine = threadIdx.x / SHARE;
    int share = threadIdx.x % SHARE;
    int row = firstRow + mine;
    int visible = firstVisible(row, window);
    loadTile<TILE>(q, firstRow, lastRow, pitch, headDim, queries, stride);

    float mix[ACCUMULATORS];
#pragma unroll
    for (int j = 0; j < ACCUMULATORS; j++) {
        mix[j] = 0;
    }
    float max = -INFINITY;
    float sum = 0;
    for (int first = firstVisible(firstRow, window) / TILE * TILE; first < lastRow; first += TILE) {
        __syncthreads();
        loadTile<TILE>(k, first, lastRow, kvPitch, headDim, others, stride);
        __syncthreads();

        float score[KEYS];
        float above = max;
#pragma unroll
        for (int j = 0; j < KEYS; j++) {
            int key = share + j * SHARE;
            score[j] = -INFINITY;
            if (key < TILE && first + key >= visible && first + key <= row) {
                const float4* a = (const float4*)(queries + mine * stride);
                const float4* b = (const float4*)(others + key * stride);
                float dot = 0;
                for (int i = 0; i < wide / 4; i++) {
                    float4 x = a[i];
                    float4 y = b[i];
                    dot = fmaf(x.x, y.x, dot);
                    dot = fmaf(x.y, y.y, dot);
                    dot = fmaf(x.z, y.z, dot);
                    dot = fmaf(x.w, y.w, dot);
                }
                score[j] = capped(dot * scale, cap);
            }
            above = fmaxf(above, score[j]);
        }
#pragma unroll
        for (int offset = SHARE / 2; offset > 0; offset /= 2) {
            above = fmaxf(above, __shfl_xor_sync(0xffffffffu, above, offset));
        }
        // Nothing seen yet: there is nothing to scale, and −∞ − (−∞) is no number.
        float kept = above == -INFINITY ? 1 : expf(max - above);
        float added = 0;
#pragma unroll
        for (int j = 0; j < KEYS; j++) {
            int key = share + j * SHARE;
            if (key < TILE) {
                bool seen = first + key >= visible && first + key <= row;
                float weight = seen ? expf(score[j] - above) : 0;
                weights[mine * (TILE + 1) + key] = weight;
                added += weight;
            }
        }
#pragma unroll
        for (int offset = SHARE / 2; offset > 0; offset /= 2) {
            added += __shfl_xor_sync(0xffffffffu, added, offset);
        }
        max = above;
        sum = sum * kept + added;
        __syncthreads();
        loadTile<TILE>(v, first, lastRow, kvPitch, headDim, others, stride);
        __syncthreads();

#pragma unroll
        for (int j = 0; j < ACCUMULATORS; j++) {
            mix[j] *= kept;
        }
        // What a row does not see may be anything, NaN included, so it is not touched at all.
        int from = visible > first ? visible - first : 0;
        int to = min(TILE, row - first + 1);
        for (int key = from; key < to; key++) {
            float weight = weights[mine * (TILE + 1) + key];
            const float* values = others + key * stride;
#pragma unroll
            for (int j = 0; j < ACCUMULATORS / 4; j++) {
                int column = 4 * (share + j * SHARE);
                if (column < wide) {
                    float4 value = *(const float4*)(values + column);
                    mix[4 * j] = fmaf(weight, value.x, mix[4 * j]);
                    mix[4 * j + 1] = fmaf(weight, value.y, mix[4 * j + 1]);
                    mix[4 * j + 2] = fmaf(weight, value.z, mix[4 * j + 2]);
                    mix[4 * j + 3] = fmaf(weight, value.w, mix[4 * j + 3]);
                }
            }
        }
    }
    if (row < lastRow) {
#pragma unroll
        for (int j = 0; j < ACCUMULATORS; j++) {
            int column = 4 * (share + j / 4 * SHARE) + j % 4;
            if (column < headDim) {
                out[(long long)row * pitch + column] = mix[j] / sum;
            }
        }
    }
}

// Grid: (⌈length / TILE⌉, heads, windows), THREADS threads, 4·(2·TILE·stride + TILE·(TILE + 1)) bytes of shared memory with
// stride = headDim rounded up to 4, plus 4. q, out: [windows · length, heads · headDim]; k, v: [windows · length, kvHeads ·
// headDim]. TILE 32 serves heads of up to 128 columns, 16 up to 256, 8 up to 512.
#define ATTENTION(TILE)                                                                                              \
    extern "C" __global__ void __launch_bounds__(THREADS, 2) attention_##TILE(                                          \
            const float* __restrict__ q,                                                                             \
            const float* __restrict__ k,                                                                             \
            const float* __restrict__ v,                                                                             \
            float* __restrict__ out,                                                                                 \
            int length,                                                                                              \
            int heads,                                                                                               \
            int kvHeads,                                                                                             \
            int headDim,                                                                                             \
            float scale,                                                                                             \
            float cap,                                                                                               \
            int window) {                                                                                            \
        attend<TILE>(q, k, v, out, length, heads, kvHeads, headDim, scale, cap, window);                             \
    }

ATTENTION(8)
ATTENTION(16)
ATTENTION(32)
