// The down projection of down.cu for one row where weights can come by bulk copies.
//
// A block owns at most 32 / lanes x EACH outputs, and all experts; its warps take every eighth place, whose piece of at most PIECE
// bytes comes through a ring of the warp's own in shared memory. The first come before the kernel in front has ended, so that memory is
// not idle while that one ends.
#if __CUDA_ARCH__ >= 900
#define WARPS 8
#include "down.cuh"
#include "bulk.cuh"

#define EACH 4
#define PIECE (512 * EACH)
#define AHEAD 4  // places whose hidden activations are under way

__device__ __forceinline__ void fall(const Down &a) {
    const int SIZE = Chunk<WEIGHT>::SIZE;
    extern __shared__ __align__(128) uint4 ring[];
    __shared__ int finished;  // warps that have brought all
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    int part = lane & (a.lanes - 1);
    int perLoad = 32 / a.lanes;
    int width = perLoad * EACH;
    int first = (int)((i64)a.model * blockIdx.x / gridDim.x);
    int outputs = (int)((i64)a.model * (blockIdx.x + 1) / gridDim.x) - first;
    u64 *barriers = (u64 *)((u8 *)ring + WARPS * a.slots * PIECE);
    float *shared = (float *)(barriers + WARPS * a.slots);  // (WARPS, width)
    int *list = (int *)(shared + WARPS * width);
    u32 at = sharedAddress(ring) + warp * a.slots * PIECE;
    u32 full = sharedAddress(barriers + warp * a.slots);
    if (lane == 0) {
        for (int i = 0; i < a.slots; i++) {
            initBarrier(full + 8 * i, 1);
        }
        showBarriers();
    }
    if (threadIdx.x == 0) {
        finished = 0;
    }
    __syncwarp();
    int count = a.experts.routed() ? unite<1>(a.experts, 1, list, false) : a.experts.count;
    if (threadIdx.x == 0) {
        a.turn.await();
    }
    __syncthreads();
    u32 bytes = (u32)outputs * (u32)a.stride;
    auto bring = [&](int place, int slot) {
        if (lane == 0 && place < count) {
            int g = a.experts.routed() ? list[place] : place;
            copyBulk(at + slot * PIECE, a.weight + ((i64)g * a.model + first) * a.stride, bytes, full + 8 * slot);
        }
    };
    for (int i = 0; i < a.slots; i++) {
        bring(warp + WARPS * i, i);
    }
    waitForPrevious();
    letNextStart();
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        a.turn.reset();
    }
    auto done = [&]() {
        if (lane == 0 && atomicAdd(&finished, 1) == WARPS - 1) {
            a.turn.pass();
        }
    };
    int ahead = WARPS * a.slots;
    if (warp + ahead >= count) {
        done();
    }

    int d = first + threadIdx.x;
    bool mine = threadIdx.x < outputs;
    float before = mine && a.mode & ADD ? a.y[d] : 0.0f;
    float x[AHEAD][SIZE];
    const float *hidden = a.hidden + warp * a.expertSize + part * SIZE;
#pragma unroll
    for (int p = 0; p < AHEAD; p++) {
        if (warp + WARPS * p < count) {
            loadAligned<SIZE>(hidden + p * WARPS * a.expertSize, x[p]);
        }
    }
    float sums[EACH] = {};
    int slot = 0;
    int parity = 0;
#pragma unroll 1
    for (int start = warp; start < count; start += WARPS * AHEAD) {
#pragma unroll
        for (int p = 0; p < AHEAD; p++) {
            int place = start + WARPS * p;
            if (place < count) {
                uint4 raw[EACH];
                waitBarrier(full + 8 * slot, parity);
#pragma unroll
                for (int j = 0; j < EACH; j++) {
                    raw[j] = loadShared(at + slot * PIECE + 512 * j + 16 * lane);
                }
                __syncwarp();
                bring(place + ahead, slot);
                if (place + ahead < count && place + ahead + WARPS >= count) {
                    done();
                }
                if (++slot == a.slots) {
                    slot = 0;
                    parity ^= 1;
                }
#pragma unroll
                for (int j = 0; j < EACH; j++) {
                    float w[SIZE];
                    decode<WEIGHT>(raw[j], w);
                    sums[j] = chunkDot<WEIGHT>(w, 1.0f, x[p], sums[j]);
                }
                if (place + WARPS * AHEAD < count) {
                    loadAligned<SIZE>(hidden + (place - warp + WARPS * AHEAD) * a.expertSize, x[p]);
                }
            }
        }
    }
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        float sum = sums[j];
        for (int offset = a.lanes >> 1; offset > 0; offset >>= 1) {
            sum += __shfl_xor_sync(FULL, sum, offset);
        }
        if (part == 0) {
            shared[warp * width + j * perLoad + lane / a.lanes] = sum;
        }
    }
    __syncthreads();
    if (mine) {
        float sum = a.bias ? a.bias[d] : 0.0f;
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            sum += shared[w * width + threadIdx.x];
        }
        a.y[d] = a.mode & ADD ? before + sum : sum;
    }
}

#define PASTE(A, B) A##_##B
#define NAME(A, B) PASTE(A, B)

extern "C" __global__ void __launch_bounds__(32 * WARPS, 2) NAME(fall, WEIGHT)(const __grid_constant__ Down a) { fall(a); }
#endif
