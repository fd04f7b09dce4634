// Which experts run. Scores (T, N) F32, thresholds (T), experts (T, N) I32, counts (T).

// Lists the experts g with scores[t][g] > thresholds[t] in ascending order. A block of 1024 threads per row: every warp counts
// its 32 experts by a ballot, and writes where the warps before it end.
extern "C" __global__ void selectExperts(int *experts, i64 expertStride, int *counts, i64 countStride, const float *scores,
                                  i64 scoreStride, const float *thresholds, i64 thresholdStride, int n) {
    __shared__ int totals[32];
    int t = blockIdx.x;
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    float threshold = thresholds[t * thresholdStride];
    int start = 0;
    for (int base = 0; base < n; base += 1024) {
        int g = base + threadIdx.x;
        bool active = g < n && scores[t * scoreStride + g] > threshold;
        u32 votes = __ballot_sync(FULL, active);
        if (lane == 0) {
            totals[warp] = __popc(votes);
        }
        __syncthreads();
        int before = 0;
        int all = 0;
        for (int w = 0; w < 32; w++) {
            before += w < warp ? totals[w] : 0;
            all += totals[w];
        }
        if (active) {
            experts[t * expertStride + start + before + __popc(votes & ((1u << lane) - 1))] = g;
        }
        start += all;
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        counts[t * countStride] = start;
    }
}

// The union of the lists of up to 32 rows. masks (N): bit t says that row t wants expert g. list: the wanted experts, ascending.
// buckets: those with g % 8 == w, ascending, from w * ceil(N / 8) on. sizes: the length of the list, then those of the 8
// buckets. One block of 1024 threads. Counts and experts outside are clamped and skipped.
extern "C" __global__ void uniteExperts(u32 *masks, int *list, int *buckets, int *sizes, const int *experts, i64 expertStride,
                                 const int *counts, i64 countStride, int rows, int n) {
    __shared__ int totals[32];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    for (int g = threadIdx.x; g < n; g += 1024) {
        masks[g] = 0;
    }
    __syncthreads();
    if (warp < rows) {
        int count = counts[warp * countStride];
        count = count > n ? n : count;
        for (int i = lane; i < count; i += 32) {
            int g = experts[warp * expertStride + i];
            if (g >= 0 && g < n) {
                atomicOr(masks + g, 1u << warp);
            }
        }
    }
    __syncthreads();
    int start = 0;
    for (int base = 0; base < n; base += 1024) {
        int g = base + threadIdx.x;
        bool active = g < n && masks[g] != 0;
        u32 votes = __ballot_sync(FULL, active);
        if (lane == 0) {
            totals[warp] = __popc(votes);
        }
        __syncthreads();
        int before = 0;
        int all = 0;
        for (int w = 0; w < 32; w++) {
            before += w < warp ? totals[w] : 0;
            all += totals[w];
        }
        if (active) {
            list[start + before + __popc(votes & ((1u << lane) - 1))] = g;
        }
        start += all;
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        sizes[0] = start;
    }
    if (warp < 8) {
        int size = 0;
        int capacity = (n + 7) / 8;
        for (int base = 0; base < capacity; base += 32) {
            int g = (base + lane) * 8 + warp;
            bool active = g < n && masks[g] != 0;
            u32 votes = __ballot_sync(FULL, active);
            if (active) {
                buckets[warp * capacity + size + __popc(votes & ((1u << lane) - 1))] = g;
            }
            size += __popc(votes);
        }
        if (lane == 0) {
            sizes[1 + warp] = size;
        }
    }
}
