// Which experts of a routed feed-forward block run, found by every block for itself. Kernels of at most 16 warps.
#define MOST_WARPS 16

struct Experts {
    int *lists;               // (T, N), experts that each row wants; null if all run for all rows
    i64 listStride;
    int *counts;              // (T)
    i64 countStride;
    const float *scores;      // (T, N) and thresholds (T) if lists and counts are yet to be made from them, else null
    i64 scoreStride;
    const float *thresholds;
    i64 thresholdStride;
    int count;                // N
    int unused;

    __device__ __forceinline__ bool routed() const { return lists; }
};

__device__ __forceinline__ int warpCount(int value) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) {
        value += __shfl_xor_sync(FULL, value, offset);
    }
    return value;
}

// The place of this thread's element if those of all active threads are put behind `total` others, which then counts them too.
__device__ __forceinline__ int compact(bool active, int &total) {
    __shared__ int totals[MOST_WARPS];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    u32 votes = __ballot_sync(FULL, active);
    if (lane == 0) {
        totals[warp] = __popc(votes);
    }
    __syncthreads();
    int count = lane < blockDim.x >> 5 ? totals[lane] : 0;
    int place = total + warpCount(lane < warp ? count : 0) + __popc(votes & ((1u << lane) - 1));
    total += warpCount(count);
    __syncthreads();
    return place;
}

// The ascending union of what the rows, at most ROWS, want: list (N), then its rows as masks (N), then N integers of scratch, all in shared
// memory. Experts that do not exist are left out. `write`: this block writes the lists that scores make.
template <int ROWS> __device__ __forceinline__ int unite(const Experts &e, int rows, int *list, bool write) {
    int *masks = list + e.count;
    int *wanted = masks + e.count;
    if (!e.scores) {
        for (int g = threadIdx.x; g < e.count; g += blockDim.x) {
            wanted[g] = 0;
        }
        __syncthreads();
        for (int t = 0; t < rows; t++) {
            int count = min(e.counts[t * e.countStride], e.count);
            for (int i = threadIdx.x; i < count; i += blockDim.x) {
                int g = e.lists[t * e.listStride + i];
                if (g >= 0 && g < e.count) {
                    atomicOr(wanted + g, 1 << t);
                }
            }
        }
        __syncthreads();
    }
    auto wants = [&](int g) {
        int mask = 0;
        if (g < e.count) {
            if (e.scores) {
#pragma unroll
                for (int t = 0; t < ROWS; t++) {
                    if (t < rows && e.scores[t * e.scoreStride + g] > e.thresholds[t * e.thresholdStride]) {
                        mask |= 1 << t;
                    }
                }
            } else {
                mask = wanted[g];
            }
        }
        return mask;
    };
    int total = 0;
    int each[ROWS] = {};
    // The next ones are asked for before the barriers.
    int next = wants(threadIdx.x);
    for (int base = 0; base < e.count; base += blockDim.x) {
        int g = base + threadIdx.x;
        int mask = next;
        next = wants(g + blockDim.x);
        int place = compact(mask, total);
        if (mask) {
            list[place] = g;
            masks[place] = mask;
        }
        if (e.scores && write) {
#pragma unroll
            for (int t = 0; t < ROWS; t++) {
                if (t < rows) {
                    if (ROWS > 1) {
                        place = compact(mask >> t & 1, each[t]);
                    } else {
                        each[t] = total;
                    }
                    if (mask >> t & 1) {
                        e.lists[t * e.listStride + place] = g;
                    }
                }
            }
        }
    }
    if (e.scores && write && threadIdx.x == 0) {
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
            if (t < rows) {
                e.counts[t * e.countStride] = each[t];
            }
        }
    }
    __syncthreads();
    return total;
}
