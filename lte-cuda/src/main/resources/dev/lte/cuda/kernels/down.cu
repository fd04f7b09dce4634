// The down projection of a feed-forward block for 1 to 4 rows at the speed of memory: y[t][d] = sum over the places p of
// weight[g(p)][d] . hidden[t][p] (+ bias) (+ y). hidden (T, places x M) F32 from stream.cu, in the order of the same list; weight
// expert after expert, D rows of M elements of type WEIGHT. `lanes` lanes share a row of the weight.
//
// A block owns some outputs and all experts; its 16 warps take every sixteenth place, and their sums are added in order. The
// list is made from what kernels before the one in front have written, so that weights are under way before that has ended.
#define WARPS 16
#define THREADS (32 * WARPS)
#include "experts.cuh"

struct Down {
    float *y;
    i64 yStride;
    const float *hidden;
    i64 hiddenStride;
    const u8 *weight;
    const u16 *scales;
    i64 stride;
    const float *bias;
    int rows;
    int model;
    int expertSize;
    int lanes;
    int mode;
    int staged;           // whether the hidden activations of the one row fit into shared memory
    Experts experts;
};

template <int ROWS, int EACH> __device__ __forceinline__ void down(const Down &a) {
    const int SIZE = Chunk<WEIGHT>::SIZE;
    const int PLACES = 8 / EACH;
    const bool SCALED = WEIGHT == Q8_0 || WEIGHT == Q4_0;
    extern __shared__ int memory[];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    int part = lane & (a.lanes - 1);
    int perLoad = 32 / a.lanes;
    int width = perLoad * EACH;
    int first = blockIdx.x * width;
    int *list = memory;
    int count = a.experts.routed() ? unite<ROWS>(a.experts, a.rows, list, false) : a.experts.count;

    uint4 raw[PLACES][EACH];
    u16 scale[SCALED ? PLACES : 1][EACH];
    auto fetch = [&](int place, int p) {
        if (place < count) {
            int g = a.experts.routed() ? list[place] : place;
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                int d = first + j * perLoad + lane / a.lanes;
                if (d < a.model) {
                    i64 row = (i64)g * a.model + d;
                    raw[p][j] = stream16(a.weight + row * a.stride + 16 * part);
                    if (SCALED) {
                        i64 at = row * (a.expertSize >> 5) + (WEIGHT == Q8_0 ? part >> 1 : part);
                        scale[SCALED ? p : 0][j] = a.scales[at];
                    }
                }
            }
        }
    };
#pragma unroll
    for (int p = 0; p < PLACES; p++) {
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            raw[p][j] = make_uint4(0, 0, 0, 0);
            scale[SCALED ? p : 0][j] = 0;
        }
        fetch(warp + WARPS * p, p);
    }
    waitForPrevious();
    letNextStart();

    int d = first + threadIdx.x / ROWS;
    int row = threadIdx.x % ROWS;
    bool mine = threadIdx.x < width * ROWS && d < a.model && row < a.rows;
    float *to = a.y + row * a.yStride + d;
    float before = mine && a.mode & ADD ? *to : 0.0f;
    // A single row's hidden activations are fetched at once.
    float *staged = (float *)(memory + (a.experts.routed() ? 3 * a.experts.count : 0));
    if (a.staged) {
        for (int i = 4 * threadIdx.x; i < count * a.expertSize; i += 4 * THREADS) {
            *(float4 *)(staged + i) = *(const float4 *)(a.hidden + i);
        }
        __syncthreads();
    }
    float sums[EACH][ROWS] = {};
#pragma unroll 1
    for (int start = warp; start < count; start += WARPS * PLACES) {
#pragma unroll
        for (int p = 0; p < PLACES; p++) {
            int place = start + WARPS * p;
            if (place < count) {
                float x[ROWS][SIZE];
#pragma unroll
                for (int t = 0; t < ROWS; t++) {
                    int at = place * a.expertSize + part * SIZE;
                    if (a.staged) {
                        loadAligned<SIZE>(staged + at, x[t]);
                    } else {
                        loadAligned<SIZE>(a.hidden + min(t, a.rows - 1) * a.hiddenStride + at, x[t]);
                    }
                }
#pragma unroll
                for (int j = 0; j < EACH; j++) {
                    float w[SIZE];
                    decode<WEIGHT>(raw[p][j], w);
                    float s = SCALED ? halfToFloat(scale[SCALED ? p : 0][j]) : 1.0f;
#pragma unroll
                    for (int t = 0; t < ROWS; t++) {
                        sums[j][t] = chunkDot<WEIGHT>(w, s, x[t], sums[j][t]);
                    }
                }
                fetch(place + WARPS * PLACES, p);
            }
        }
    }
    float *shared = staged;  // (16, width x ROWS)
    if (a.staged) {
        __syncthreads();
    }
#pragma unroll
    for (int j = 0; j < EACH; j++) {
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
            float sum = sums[j][t];
            for (int offset = a.lanes >> 1; offset > 0; offset >>= 1) {
                sum += __shfl_xor_sync(FULL, sum, offset);
            }
            if (part == 0) {
                shared[warp * width * ROWS + (j * perLoad + lane / a.lanes) * ROWS + t] = sum;
            }
        }
    }
    __syncthreads();
    if (mine) {
        float sum = a.bias ? a.bias[d] : 0.0f;
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            sum += shared[w * width * ROWS + threadIdx.x];
        }
        *to = a.mode & ADD ? before + sum : sum;
    }
}

#define PASTE(A, B, C) A##_##B##_##C
#define NAME(A, B, C) PASTE(A, B, C)
#define DOWN(ROWS, EACH)                                                                                \
    extern "C" __global__ void __launch_bounds__(THREADS, ROWS == 1 && WEIGHT_BITS >= 8 ? 2 : 1)                          \
        NAME(down##ROWS, WEIGHT, EACH)(const __grid_constant__ Down a) {                                \
        down<ROWS, EACH>(a);                                                                            \
    }

DOWN(1, 1)
DOWN(1, 2)
DOWN(1, 4)
#if WEIGHT_BITS >= 8
DOWN(2, 1)
DOWN(2, 2)
DOWN(2, 4)
#endif
#if WEIGHT_BITS >= 16
DOWN(4, 1)
DOWN(4, 2)
DOWN(4, 4)
#endif
