// Products of a weight with 1 to 4 rows of activations at the speed of memory: linear projections, router scores, and the hidden
// activations of a feed-forward block. x (T, C) F32, weight rows of C elements of type WEIGHT, sums in F32.
//
// A block takes a contiguous share of the outputs, its 16 warps together read whole rows: warp w of a row group owns the slice w of
// the columns, and keeps that slice of x in registers. A lane has 8 loads of 16 bytes under way at any time, the first before
// the kernel in front has ended. The slices' sums meet in shared memory in a fixed order, so that results depend neither on timing
// nor on the other rows of x.
#include "experts.cuh"

struct Stream {
    float *out;           // (T, R), or hidden (T, places x M)
    i64 outStride;
    const float *x;
    i64 xStride;
    const u8 *weight;
    const u16 *scales;
    i64 stride;           // bytes of a row of the weight
    const float *bias;    // of outputs, or of neurons (up); or null
    const float *gain;    // of a norm that x passes first, or null
    const float *normBias;
    float *normed;        // where the norm's result goes
    i64 normedStride;
    float epsilon;
    float offset;
    int layer;            // whether the norm subtracts the mean
    int rows;             // T
    int columns;          // C
    int slices;           // a power of two, at most 16
    int outputs;          // R of a linear product, 0 of a block
    int constant;         // whether the weight never changes
    int mode;             // ADD, SIGMOID
    int gated;            // of a block
    int kind;             // its activation
    int expertSize;       // M
    int capacity;         // most weight rows of a block
    int unused;
    Experts experts;
};

// Sums of COUNT values over the lanes; lane l gets that of value l / (32 / COUNT).
template <int COUNT, int OFFSET, int SIZE> __device__ __forceinline__ float reduceLanes(float (&values)[SIZE]) {
    if constexpr (COUNT > 1) {
        bool upper = threadIdx.x & OFFSET;
#pragma unroll
        for (int i = 0; i < COUNT / 2; i++) {
            float send = upper ? values[i] : values[i + COUNT / 2];
            float keep = upper ? values[i + COUNT / 2] : values[i];
            values[i] = keep + __shfl_xor_sync(FULL, send, OFFSET);
        }
        if constexpr (OFFSET > 1) {
            return reduceLanes<COUNT / 2, OFFSET / 2>(values);
        }
        return values[0];
    } else {
        float sum = values[0];
#pragma unroll
        for (int offset = OFFSET; offset > 0; offset >>= 1) {
            sum += __shfl_xor_sync(FULL, sum, offset);
        }
        return sum;
    }
}

__device__ __forceinline__ float sliceSum(float value, float *shared, int slices) {
    value = warpSum(value);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) {
        shared[threadIdx.x >> 5] = value;
    }
    __syncthreads();
    float sum = 0.0f;
#pragma unroll 1
    for (int i = 0; i < slices; i++) {
        sum += shared[i];
    }
    return sum;
}

template <int ROWS, int KW> __device__ __forceinline__ void stream(const Stream &a) {
    const int SIZE = Chunk<WEIGHT>::SIZE;
    const int BLOCK = 8 / KW;  // weight rows of a warp under way
    const int STEP = ROWS == 1 && BLOCK > 4 ? 4 : BLOCK;  // rows that are summed up together
    const int COUNT = STEP * ROWS;
    const bool SCALED = WEIGHT == Q8_0 || WEIGHT == Q4_0;
    extern __shared__ int memory[];
    __shared__ float sums[WARPS];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    int slice = warp & (a.slices - 1);
    int group = warp / a.slices;
    int groups = WARPS / a.slices;
    int tile = max(32, BLOCK * groups);
    bool early = a.constant && !a.experts.routed();
    if (!early) {
        waitForPrevious();
        letNextStart();
    }

    // The rows of the weight in the order of this block's work: a gate row, then its up row. Of plain types, units of 16 bytes.
    int *list = memory;
    int units = a.outputs;
    int perUnit = 1;
    if (!units) {
        int count = a.experts.routed() ? unite<ROWS>(a.experts, a.rows, list, blockIdx.x == 0) : a.experts.count;
        units = count * a.expertSize;
        perUnit = a.gated ? 2 : 1;
    }
    int begin = (int)((i64)units * blockIdx.x / gridDim.x);
    int end = (int)((i64)units * (blockIdx.x + 1) / gridDim.x);
    int items = (end - begin) * perUnit;
    int *table = memory + (a.experts.routed() ? 3 * a.experts.count : 0);
#pragma unroll 1
    for (int i = threadIdx.x; i < items; i += THREADS) {
        int unit = begin + i / perUnit;
        int row = unit;
        if (!a.outputs) {
            int place = unit / a.expertSize;
            int g = a.experts.routed() ? list[place] : place;
            row = (g * perUnit + (i & (perUnit - 1))) * a.expertSize + unit - place * a.expertSize;
        }
        table[i] = SCALED ? row : (int)(u32)(row * (a.stride >> 4));
    }
    float *partial = (float *)(table + a.capacity);
    int pitch = a.slices + 1;
    __syncthreads();

    int chunks = a.columns / SIZE;
    const u8 *base[KW];
    bool inside[KW];
#pragma unroll
    for (int k = 0; k < KW; k++) {
        int c = (slice + a.slices * k) * 32 + lane;
        inside[k] = c < chunks;
        base[k] = a.weight + 16LL * c;
    }
    uint4 raw[BLOCK][KW];
    u16 scale[SCALED ? BLOCK : 1][KW];
    auto fetch = [&](int item, int r) {
        if (item < items) {
            u64 row = (u32)table[item];
#pragma unroll
            for (int k = 0; k < KW; k++) {
                if (inside[k]) {
                    raw[r][k] = stream16(base[k] + row * (SCALED ? a.stride : 16));
                    if (SCALED) {
                        int c = (slice + a.slices * k) * 32 + lane;
                        scale[SCALED ? r : 0][k] = a.scales[row * (a.columns >> 5) + (WEIGHT == Q8_0 ? c >> 1 : c)];
                    }
                }
            }
        }
    };
#pragma unroll
    for (int r = 0; r < BLOCK; r++) {
#pragma unroll
        for (int k = 0; k < KW; k++) {
            raw[r][k] = make_uint4(0, 0, 0, 0);
            scale[SCALED ? r : 0][k] = 0;
        }
        fetch(group * BLOCK + r, r);
    }
    if (early) {
        waitForPrevious();
        letNextStart();
    }

    float x[ROWS][KW][SIZE];
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
#pragma unroll
        for (int k = 0; k < KW; k++) {
            if (inside[k] && t < a.rows) {
                loadAligned<SIZE>(a.x + t * a.xStride + ((slice + a.slices * k) * 32 + lane) * SIZE, x[t][k]);
            } else {
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    x[t][k][i] = 0.0f;
                }
            }
        }
    }
    if (a.gain) {
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
            float mean = 0.0f;
            if (a.layer) {
                float sum = 0.0f;
#pragma unroll
                for (int k = 0; k < KW; k++) {
#pragma unroll
                    for (int i = 0; i < SIZE; i++) {
                        sum += x[t][k][i];
                    }
                }
                mean = sliceSum(sum, sums, a.slices) / a.columns;
            }
            float squares = 0.0f;
#pragma unroll
            for (int k = 0; k < KW; k++) {
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    x[t][k][i] -= inside[k] ? mean : 0.0f;
                    squares = fmaf(x[t][k][i], x[t][k][i], squares);
                }
            }
            float deviation = sqrtf(sliceSum(squares, sums, a.slices) / a.columns + a.epsilon);
#pragma unroll
            for (int k = 0; k < KW; k++) {
                int at = ((slice + a.slices * k) * 32 + lane) * SIZE;
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    if (inside[k]) {
                        x[t][k][i] = x[t][k][i] / deviation * (a.gain[at + i] + a.offset);
                        x[t][k][i] += a.normBias ? a.normBias[at + i] : 0.0f;
                        if (blockIdx.x == 0 && group == 0 && t < a.rows) {
                            a.normed[t * a.normedStride + at + i] = x[t][k][i];
                        }
                    }
                }
            }
        }
    }

    int parity = 0;
#pragma unroll 1
    for (int first = 0; first < items; first += tile) {
        // What this thread puts together when the tile is done.
        int at = begin + first / perUnit + threadIdx.x / ROWS;
        int t = threadIdx.x % ROWS;
        bool mine = at < min(begin + (first + tile) / perUnit, end) && t < a.rows;
        float *to = a.out + t * a.outStride + at;
        float before = mine && a.mode & ADD ? *to : 0.0f;
        float *now = partial + parity * tile * ROWS * pitch;
#pragma unroll 1
        for (int start = group * BLOCK; start < tile; start += groups * BLOCK) {
#pragma unroll
            for (int step = 0; step < BLOCK; step += STEP) {
                float products[COUNT];
#pragma unroll
                for (int i = 0; i < STEP; i++) {
                    int r = step + i;
                    float dot[ROWS] = {};
#pragma unroll
                    for (int k = 0; k < KW; k++) {
                        float w[SIZE];
                        decode<WEIGHT>(raw[r][k], w);
                        float s = SCALED ? halfToFloat(scale[SCALED ? r : 0][k]) : 1.0f;
#pragma unroll
                        for (int j = 0; j < ROWS; j++) {
                            dot[j] = chunkDot<WEIGHT>(w, s, x[j][k], dot[j]);
                        }
                    }
                    fetch(first + start + groups * BLOCK + r, r);
#pragma unroll
                    for (int j = 0; j < ROWS; j++) {
                        products[i * ROWS + j] = dot[j];
                    }
                }
                float sum = reduceLanes<COUNT, 16>(products);
                if ((lane & (32 / COUNT - 1)) == 0) {
                    now[((start + step) * ROWS + lane / (32 / COUNT)) * pitch + slice] = sum;
                }
            }
        }
        __syncthreads();
        if (mine) {
            const float *from = now + (threadIdx.x / ROWS * perUnit * ROWS + t) * pitch;
            float sum = 0.0f;
#pragma unroll 1
            for (int i = 0; i < a.slices; i++) {
                sum += from[i];
            }
            if (a.outputs) {
                sum += a.bias ? a.bias[at] : 0.0f;
                sum = a.mode & SIGMOID ? sigmoid(sum) : sum;
                *to = a.mode & ADD ? before + sum : sum;
            } else {
                float gate = sum;
                if (a.gated) {
                    sum = 0.0f;
        #pragma unroll 1
            for (int i = 0; i < a.slices; i++) {
                        sum += from[ROWS * pitch + i];
                    }
                }
                int place = at / a.expertSize;
                if (a.bias) {
                    int g = a.experts.routed() ? list[place] : place;
                    sum += a.bias[g * a.expertSize + at - place * a.expertSize];
                }
                float h = a.gated ? activation(a.kind, gate) * sum : activation(a.kind, sum);
                *to = !a.experts.routed() || list[a.experts.count + place] >> t & 1 ? h : 0.0f;
            }
        }
        parity ^= 1;
    }
}

#define PASTE(A, B, C) A##_##B##_##C
#define NAME(A, B, C) PASTE(A, B, C)
#define STREAM(ROWS, KW)                                                                    \
    extern "C" __global__ void __launch_bounds__(THREADS, ROWS * KW == 1 && WEIGHT_BITS >= 16 ? 2 : 1) \
        NAME(stream##ROWS, WEIGHT, KW)(const __grid_constant__ Stream a) {                  \
        stream<ROWS, KW>(a);                                                                \
    }

STREAM(1, 1)
STREAM(1, 2)
#if WEIGHT_BITS >= 8
STREAM(2, 1)
STREAM(2, 2)
#endif
#if WEIGHT_BITS >= 16
STREAM(4, 1)
STREAM(4, 2)
#endif
