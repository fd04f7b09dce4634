// The products of stream.cu with one row of activations and few outputs where weights can come by bulk copies: all of a block's are
// under way before the kernel in front has ended.
//
// A block takes a contiguous share of the outputs. Its warps are groups of `slices`; a group takes every row of its turn, a warp
// of it SLICE columns, which it keeps of x in registers. A warp brings its pieces of the weight through a ring of its own in
// shared memory. The slices' sums meet in a fixed order when the last row has been read.
#if __CUDA_ARCH__ >= 900
#define WARPS 8
#include "stream.cuh"
#include "bulk.cuh"

#define CHUNKS 4
#define SLICE (32 * CHUNKS * Chunk<WEIGHT>::SIZE)
#define PIECE (32 * CHUNKS * 16)
#define GROUP 4  // rows of a group's turn whose sums go over the lanes together

// WHOLE: the columns are a multiple of SLICE.
template <bool WHOLE> __device__ __forceinline__ void bulk(const Stream &a) {
    const int SIZE = Chunk<WEIGHT>::SIZE;
    extern __shared__ __align__(128) uint4 ring[];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    int group = warp / a.slices;
    int slice = warp - group * a.slices;
    int groups = WARPS / a.slices;
    bool early = a.constant & 1;
    u64 *barriers = (u64 *)((u8 *)ring + WARPS * a.slots * PIECE);
    float *partial = (float *)(barriers + WARPS * a.slots);
    int pitch = a.slices + 1;
    u32 begins = sharedAddress(ring) + warp * a.slots * PIECE;
    u32 full = sharedAddress(barriers) + warp * a.slots * 8;
    if (lane == 0) {
        for (int i = 0; i < a.slots; i++) {
            initBarrier(full + 8 * i, 1);
        }
        showBarriers();
    }
    u32 bytes = (u32)max(0, min(SLICE, a.columns - slice * SLICE)) * (16 / SIZE);
    bool working = group < groups && bytes > 0;
    int column[CHUNKS];
    bool inside[CHUNKS];
#pragma unroll
    for (int k = 0; k < CHUNKS; k++) {
        column[k] = slice * SLICE + (k * 32 + lane) * SIZE;
        inside[k] = working && (WHOLE || column[k] < a.columns);
    }
    float x[1][CHUNKS][SIZE];
    auto start = [&]() {
        waitForPrevious();
        letNextStart();
#pragma unroll
        for (int k = 0; k < CHUNKS; k++) {
            if (inside[k]) {
                loadAligned<SIZE>(a.x + column[k], x[0][k]);
            } else {
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    x[0][k][i] = 0.0f;
                }
            }
        }
    };
    if (!early) {
        start();
    }
    int begin = (int)((u64)a.outputs * blockIdx.x / gridDim.x);
    int end = (int)((u64)a.outputs * (blockIdx.x + 1) / gridDim.x);
    int items = end - begin;
    __syncwarp();

    // Brings the warp's piece of a row of this block.
    const u8 *origin = a.weight + begin * a.stride + slice * PIECE;
    auto bring = [&](int item, u32 to, u32 barrier) { copyBulk(to, origin + item * a.stride, bytes, barrier); };
    if (working && lane == 0) {
        for (int i = 0; i < a.slots; i++) {
            int item = group + i * groups;
            if (item < items) {
                bring(item, begins + i * PIECE, full + 8 * i);
            }
        }
    }
    float gain[CHUNKS][SIZE];
    bool known = a.gain && a.constant & 2;
    if (known) {
        loadGain<CHUNKS, SIZE>(a, gain, column, inside);
    }
    if (early) {
        start();
    }
    int ahead = a.slots * groups;

    int mine = begin + threadIdx.x;
    float before = mine < end && a.mode & ADD ? a.out[mine] : 0.0f;
    if (a.gain) {
        if (!known) {
            loadGain<CHUNKS, SIZE>(a, gain, column, inside);
        }
        normalise<1, CHUNKS, SIZE>(a, x, gain, column, inside, blockIdx.x == 0 && group == 0);
    }

    if (working) {
        u32 ends = begins + a.slots * PIECE;
        u32 at = begins;
        u32 barrier = full;
        int parity = 0;
        float *to = partial + (lane >> 3) * groups * pitch + slice;
#pragma unroll 1
        for (int first = group; first < items; first += GROUP * groups) {
            float products[GROUP];
#pragma unroll
            for (int j = 0; j < GROUP; j++) {
                int item = first + j * groups;
                float dot = 0.0f;
                if (item < items) {
                    waitBarrier(barrier, parity);
                    uint4 raw[CHUNKS];
#pragma unroll
                    for (int k = 0; k < CHUNKS; k++) {
                        raw[k] = WHOLE || inside[k] ? loadShared(at + 16 * lane + 512 * k) : make_uint4(0, 0, 0, 0);
                    }
                    __syncwarp();
                    if (lane == 0 && item + ahead < items) {
                        bring(item + ahead, at, barrier);
                    }
                    at += PIECE;
                    barrier += 8;
                    if (at == ends) {
                        at = begins;
                        barrier = full;
                        parity ^= 1;
                    }
#pragma unroll
                    for (int k = 0; k < CHUNKS; k++) {
                        float w[SIZE];
                        decode<WEIGHT>(raw[k], w);
                        dot = chunkDot<WEIGHT>(w, 1.0f, x[0][k], dot);
                    }
                }
                products[j] = dot;
            }
            float sum = reduceLanes<GROUP, 16>(products);
            if ((lane & 7) == 0 && first + (lane >> 3) * groups < items) {
                to[first * pitch] = sum;
            }
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < end - begin; i += 32 * WARPS) {
        if (i >= 32 * WARPS) {
            before = a.mode & ADD ? a.out[begin + i] : 0.0f;
        }
        finish(a, begin + i, 0, a.out + begin + i, before, partial + i * pitch, 0, 0);
    }
}

#define PASTE(A, B, C) A##_##B##_##C
#define NAME(A, B, C) PASTE(A, B, C)
#define BULK(WHOLE)                                                                                                       \
    extern "C" __global__ void __launch_bounds__(32 * WARPS, 2) NAME(bulk, WEIGHT, WHOLE)(const __grid_constant__ Stream a) { \
        bulk<WHOLE>(a);                                                                                                   \
    }

BULK(0)
BULK(1)
#endif
