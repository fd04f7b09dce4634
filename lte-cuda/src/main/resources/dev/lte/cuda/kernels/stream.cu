// Products of a weight with 1 to 4 rows of activations at the speed of memory: linear projections, router scores, and the hidden
// activations of a feed-forward block. x (T, C) F32, weight rows of C elements of type WEIGHT, sums in F32.
//
// A block takes a contiguous share of the outputs, its 16 warps together read whole rows: warp w of a row group owns the slice w
// of the columns, and keeps that slice of x in registers. A lane has DEPTH loads of 16 bytes under way at any time, the first
// before the kernel in front has ended. The slices' sums meet in shared memory in a fixed order, so that results depend neither on
// timing nor on the other rows of x.
#include "experts.cuh"

#define WARPS 16

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
    int slices;           // a power of two, at most the number of warps
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

// Sums over all columns, each value that of one row.
template <int ROWS> __device__ __forceinline__ void sliceSums(float (&values)[ROWS], float (*shared)[MOST_WARPS], int slices) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
        float sum = warpSum(values[t]);
        if (lane == 0) {
            shared[t][threadIdx.x >> 5] = sum;
        }
    }
    __syncthreads();
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
        values[t] = warpSum(lane < slices ? shared[t][lane] : 0.0f);
    }
}

// The norm of x, whose slices the registers of all warps of a group hold.
template <int ROWS, int KW, int SIZE>
__device__ __forceinline__ void normalise(const Stream &a, float (&x)[ROWS][KW][SIZE], const int (&at)[KW],
                                          const bool (&inside)[KW], bool write) {
    __shared__ float sums[2][ROWS][MOST_WARPS];
    float gain[KW][SIZE];
#pragma unroll
    for (int k = 0; k < KW; k++) {
        if (inside[k]) {
            loadAligned<SIZE>(a.gain + at[k], gain[k]);
        }
    }
    if (a.layer) {
        float mean[ROWS] = {};
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
#pragma unroll
            for (int k = 0; k < KW; k++) {
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    mean[t] += x[t][k][i];
                }
            }
        }
        sliceSums<ROWS>(mean, sums[0], a.slices);
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
#pragma unroll
            for (int k = 0; k < KW; k++) {
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    x[t][k][i] -= inside[k] ? mean[t] / a.columns : 0.0f;
                }
            }
        }
    }
    float squares[ROWS] = {};
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
#pragma unroll
        for (int k = 0; k < KW; k++) {
#pragma unroll
            for (int i = 0; i < SIZE; i++) {
                squares[t] = fmaf(x[t][k][i], x[t][k][i], squares[t]);
            }
        }
    }
    sliceSums<ROWS>(squares, sums[1], a.slices);
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
        float factor = 1.0f / sqrtf(squares[t] / a.columns + a.epsilon);
#pragma unroll
        for (int k = 0; k < KW; k++) {
#pragma unroll
            for (int i = 0; i < SIZE; i++) {
                if (inside[k]) {
                    x[t][k][i] *= factor * (gain[k][i] + a.offset);
                    x[t][k][i] += a.normBias ? a.normBias[at[k] + i] : 0.0f;
                    if (write && t < a.rows) {
                        a.normed[t * a.normedStride + at[k] + i] = x[t][k][i];
                    }
                }
            }
        }
    }
}

template <int ROWS, int KW, int DEPTH> __device__ __forceinline__ void stream(const Stream &a) {
    const int SIZE = Chunk<WEIGHT>::SIZE;
    const int BLOCK = DEPTH / KW;  // weight rows of a warp under way
    const int GROUP = 4;          // neighbours among them
    const int COUNT = GROUP * ROWS;
    const bool SCALED = WEIGHT == Q8_0 || WEIGHT == Q4_0;
    extern __shared__ int memory[];
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

    // The rows of the weight in the order of this block's work: of a gated block four gate rows, then their up rows. The table
    // has the first of every four rows, of plain types in units of 16 bytes.
    int *list = memory;
    int units = a.outputs;
    int perUnit = 1;
    int step = 1;
    if (!units) {
        int count = a.experts.routed() ? unite<ROWS>(a.experts, a.rows, list, blockIdx.x == 0) : a.experts.count;
        units = count * a.expertSize;
        perUnit = a.gated ? 2 : 1;
        step = 4;
    }
    int begin = (int)((i64)(units / step) * blockIdx.x / gridDim.x) * step;
    int end = (int)((i64)(units / step) * (blockIdx.x + 1) / gridDim.x) * step;
    int items = (end - begin) * perUnit;
    int *table = memory + (a.experts.routed() ? 3 * a.experts.count : 0);
#pragma unroll 1
    for (int i = threadIdx.x; 4 * i < items; i += 32 * WARPS) {
        int unit = begin + 4 * (i / perUnit);
        int row = unit;
        if (!a.outputs) {
            int place = unit / a.expertSize;
            int g = a.experts.routed() ? list[place] : place;
            row = (g * perUnit + (i & (perUnit - 1))) * a.expertSize + unit - place * a.expertSize;
        }
        table[i] = SCALED ? row : (int)(u32)(row * (a.stride >> 4));
    }
    float *partial = (float *)(table + a.capacity / 4);
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
    // Rows 4q to 4q + 3 of the order, into raw[r] and those behind it.
    auto fetch = [&](int q, int r) {
        u64 row = 4 * q < items ? (u32)table[q] : 0;
#pragma unroll
        for (int k = 0; k < KW; k++) {
            const u8 *from = base[k] + row * (SCALED ? a.stride : 16);
#pragma unroll
            for (int i = 0; i < GROUP; i++) {
                if (inside[k] && 4 * q + i < items) {
                    raw[r + i][k] = stream16(from);
                    if (SCALED) {
                        int c = (slice + a.slices * k) * 32 + lane;
                        scale[SCALED ? r + i : 0][k] =
                            a.scales[(row + i) * (a.columns >> 5) + (WEIGHT == Q8_0 ? c >> 1 : c)];
                    }
                }
                from += a.stride;
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
    }
#pragma unroll
    for (int r = 0; r < BLOCK; r += GROUP) {
        fetch((group * BLOCK + r) / 4, r);
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
        int at[KW];
#pragma unroll
        for (int k = 0; k < KW; k++) {
            at[k] = ((slice + a.slices * k) * 32 + lane) * SIZE;
        }
        normalise<ROWS, KW, SIZE>(a, x, at, inside, blockIdx.x == 0 && group == 0);
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
            for (int r = 0; r < BLOCK; r += GROUP) {
                float products[COUNT];
#pragma unroll
                for (int i = 0; i < GROUP; i++) {
                    float dot[ROWS] = {};
#pragma unroll
                    for (int k = 0; k < KW; k++) {
                        float w[SIZE];
                        decode<WEIGHT>(raw[r + i][k], w);
                        float s = SCALED ? halfToFloat(scale[SCALED ? r + i : 0][k]) : 1.0f;
#pragma unroll
                        for (int t = 0; t < ROWS; t++) {
                            dot[t] = chunkDot<WEIGHT>(w, s, x[t][k], dot[t]);
                        }
                    }
#pragma unroll
                    for (int t = 0; t < ROWS; t++) {
                        products[i * ROWS + t] = dot[t];
                    }
                }
                fetch((first + start + groups * BLOCK + r) / 4, r);
                float sum = reduceLanes<COUNT, 16>(products);
                if ((lane & (32 / COUNT - 1)) == 0) {
                    now[((start + r) * ROWS + lane / (32 / COUNT)) * pitch + slice] = sum;
                }
            }
        }
        __syncthreads();
        if (mine) {
            int item = threadIdx.x / ROWS;
            item = perUnit == 2 ? item / GROUP * 2 * GROUP + item % GROUP : item;
            const float *from = now + (item * ROWS + t) * pitch;
            float sum = 0.0f;
#pragma unroll 4
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
                        sum += from[GROUP * ROWS * pitch + i];
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
#define STREAM(KERNEL, ROWS, KW, DEPTH, BLOCKS)                                                              \
    extern "C" __global__ void __launch_bounds__(32 * WARPS, BLOCKS)                                         \
        NAME(KERNEL##ROWS, WEIGHT, KW)(const __grid_constant__ Stream a) {                                   \
        stream<ROWS, KW, DEPTH>(a);                                                                          \
    }

STREAM(stream, 1, 1, 8, 1)
STREAM(stream, 1, 2, 8, 1)
#if WEIGHT_BITS >= 8
STREAM(stream, 2, 1, 8, 1)
STREAM(stream, 2, 2, 8, 1)
#endif
#if WEIGHT_BITS >= 16
// Two blocks a multiprocessor, of two kernels if need be.
STREAM(slim, 1, 1, 4, 2)
STREAM(stream, 4, 1, 8, 1)
STREAM(stream, 4, 2, 8, 1)
#endif
