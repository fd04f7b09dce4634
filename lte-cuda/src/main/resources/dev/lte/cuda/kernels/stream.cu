// Products of a weight with 1 to 4 rows of activations at the speed of memory: linear projections, router scores, and the hidden
// activations of a feed-forward block. x (T, C) F32, weight rows of C elements of type WEIGHT, sums in F32.
//
// A block takes a contiguous share of the outputs, its 16 warps together read whole rows: warp w of a row group owns the slice w
// of the columns, and keeps that slice of x in registers. A lane has DEPTH loads of 16 bytes under way at any time, the first
// before the kernel in front has ended. The slices' sums meet in shared memory in a fixed order, so that results depend neither on
// timing nor on the other rows of x.
#define WARPS 16
#include "stream.cuh"

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
    bool early = a.constant & 1 && !a.experts.routed();
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
        float gain[KW][SIZE];
        loadGain<KW, SIZE>(a, gain, at, inside);
        normalise<ROWS, KW, SIZE>(a, x, gain, at, inside, blockIdx.x == 0 && group == 0);
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
            finish(a, at, t, to, before, from, GROUP * ROWS * pitch, list);
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
