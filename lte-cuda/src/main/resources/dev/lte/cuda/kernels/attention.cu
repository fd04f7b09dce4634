// out[t][h] = sum over p of softmax_p(cap(scale * q[t][h] . key[p])) * value[p] over the positions p that row t sees. out and q
// (T, H x E) F32, keys and values rows of K x E; head h reads head h / (H / K). Sums in F32, softmax online.
//
// A block of 4 warps per row, head and part of the positions; a warp takes every fourth position, a lane the elements lane,
// lane + 32, ... . Partial results go to scratch: maximum, sum, then E weighted values, per (row, head, part); `combine` adds
// them in order. Without a page table the rows themselves are the positions, and `starts` cuts them into sequences.

__device__ __forceinline__ float cacheElement(int type, const u8 *base, i64 at) {
    return type == F32 ? ((const float *)base)[at]
         : type == F16 ? halfToFloat(((const u16 *)base)[at])
                       : brainToFloat(((const u16 *)base)[at]);
}

template <int TYPE, int EACH>
__device__ __forceinline__ void attendPart(float *scratch, const float *q, i64 qStride, const u8 *keys, i64 keyStride,
                                           const u8 *values, i64 valueStride, i64 cacheRows, const int *positions,
                                           i64 positionStride, const int *sequenceOf, i64 sequenceStride, const int *pages,
                                           i64 pageStride, int sequences, int perSequence, int pageSize, const int *starts,
                                           i64 startStride, int startCount, int rows, int heads, int group, int headSize,
                                           float scale, int causal, int window, float cap, int partSize) {
    __shared__ int shared[4];
    __shared__ float states[4][2 + 32 * EACH];
    int part = blockIdx.x, h = blockIdx.y, t = blockIdx.z;
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int position = -1, sequence = 0, first = 0;
    i64 end = 0;
    if (starts) {
        for (int b = 0; b + 1 < startCount; b++) {
            int from = max(starts[b * startStride], 0);
            int to = min(starts[(b + 1) * startStride], rows);
            if (t >= from && t < to) {
                first = from;
                position = t - from;
                end = (causal ? t + 1 : to) - from;
            }
        }
    } else {
        position = positions[t * positionStride];
        sequence = sequenceOf[t * sequenceStride];
        i64 capacity = min((i64)perSequence * pageSize, (i64)0x7ffffffe);
        int last = position;
        if (!causal && position >= 0) {
            for (int other = threadIdx.x; other < rows; other += blockDim.x) {
                if (sequenceOf[other * sequenceStride] == sequence) {
                    last = max(last, positions[other * positionStride]);
                }
            }
            for (int offset = 16; offset > 0; offset >>= 1) {
                last = max(last, __shfl_xor_sync(FULL, last, offset));
            }
            if (lane == 0) {
                shared[warp] = last;
            }
            __syncthreads();
            last = max(max(shared[0], shared[1]), max(shared[2], shared[3]));
        }
        end = min((i64)last + 1, capacity);
    }
    i64 from = 0;
    if (window > 0) {
        from = max((i64)position - window + 1, 0LL);
        end = min(end, (i64)position + window);
    }
    if (position < 0) {
        end = 0;
    }
    from = max(from, (i64)part * partSize);
    end = min(end, (i64)(part + 1) * partSize);
    float query[EACH], sums[EACH];
    i64 headAt = (i64)(h / group) * headSize;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int e = lane + 32 * i;
        query[i] = e < headSize ? q[t * qStride + (i64)h * headSize + e] : 0.0f;
        sums[i] = 0.0f;
    }
    float largest = -INFINITE, total = 0.0f;
    for (i64 p = from + warp; p < end; p += 16) {
        i64 row[4];
        float score[4];
#pragma unroll
        for (int u = 0; u < 4; u++) {
            i64 at = p + 4 * u;
            row[u] = at >= end ? -1
                   : starts    ? first + at
                               : cacheRow(pages, pageStride, sequences, perSequence, pageSize, cacheRows, sequence, (int)at);
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                int e = lane + 32 * i;
                if (row[u] >= 0 && e < headSize) {
                    sum = fmaf(query[i], cacheElement(TYPE, keys, row[u] * keyStride + headAt + e), sum);
                }
            }
            score[u] = sum;
        }
#pragma unroll
        for (int u = 0; u < 4; u++) {
            score[u] = warpSum(score[u]) * scale;
            score[u] = cap > 0.0f ? cap * tanhf(score[u] / cap) : score[u];
        }
#pragma unroll
        for (int u = 0; u < 4; u++) {
            if (row[u] >= 0) {
                float now = fmaxf(largest, score[u]);
                float keep = largest == -INFINITE ? 0.0f : expf(largest - now);
                float weight = expf(score[u] - now);
                largest = now;
                total = fmaf(total, keep, weight);
#pragma unroll
                for (int i = 0; i < EACH; i++) {
                    int e = lane + 32 * i;
                    float value = e < headSize ? cacheElement(TYPE, values, row[u] * valueStride + headAt + e) : 0.0f;
                    sums[i] = fmaf(sums[i], keep, weight * value);
                }
            }
        }
    }
    states[warp][0] = largest;
    states[warp][1] = total;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        states[warp][2 + lane + 32 * i] = sums[i];
    }
    __syncthreads();
    float *to = scratch + (((i64)t * heads + h) * gridDim.x + part) * (headSize + 2);
    float all = fmaxf(fmaxf(states[0][0], states[1][0]), fmaxf(states[2][0], states[3][0]));
    float factor[4];
    for (int w = 0; w < 4; w++) {
        factor[w] = states[w][0] == -INFINITE ? 0.0f : expf(states[w][0] - all);
    }
    for (int e = threadIdx.x; e < headSize + 2; e += blockDim.x) {
        float sum = 0.0f;
        for (int w = 0; w < 4; w++) {
            sum = fmaf(factor[w], states[w][e], sum);
        }
        to[e] = e == 0 ? all : sum;
    }
}

#define ATTEND(NAME, TYPE, EACH)                                                                                          \
    extern "C" __global__ void __launch_bounds__(128) NAME(                                                               \
        float *scratch, const float *q, i64 qStride, const u8 *keys, i64 keyStride, const u8 *values, i64 valueStride,    \
        i64 cacheRows, const int *positions, i64 positionStride, const int *sequenceOf, i64 sequenceStride,               \
        const int *pages, i64 pageStride, int sequences, int perSequence, int pageSize, const int *starts,                \
        i64 startStride, int startCount, int rows, int heads, int group, int headSize, float scale, int causal,           \
        int window, float cap, int partSize) {                                                                            \
        attendPart<TYPE, EACH>(scratch, q, qStride, keys, keyStride, values, valueStride, cacheRows, positions,           \
                               positionStride, sequenceOf, sequenceStride, pages, pageStride, sequences, perSequence,     \
                               pageSize, starts, startStride, startCount, rows, heads, group, headSize, scale, causal,    \
                               window, cap, partSize);                                                                    \
    }

#define ATTENDS(TYPE)                   \
    ATTEND(attend_##TYPE##_2, TYPE, 2)  \
    ATTEND(attend_##TYPE##_4, TYPE, 4)  \
    ATTEND(attend_##TYPE##_16, TYPE, 16)

ATTENDS(F32)
ATTENDS(F16)
ATTENDS(BF16)

// The weighted sum of the parts of a row and head; zeros if none has seen a position. A block per head and row.
extern "C" __global__ void combine(float *out, i64 outStride, const float *scratch, int heads, int headSize, int parts) {
    int h = blockIdx.x, t = blockIdx.y;
    const float *from = scratch + ((i64)t * heads + h) * parts * (headSize + 2);
    float largest = -INFINITE;
    for (int s = 0; s < parts; s++) {
        largest = fmaxf(largest, from[s * (headSize + 2)]);
    }
    for (int e = threadIdx.x; e < headSize; e += blockDim.x) {
        float sum = 0.0f, total = 0.0f;
        for (int s = 0; s < parts; s++) {
            const float *state = from + s * (headSize + 2);
            float factor = state[0] == -INFINITE ? 0.0f : expf(state[0] - largest);
            total = fmaf(factor, state[1], total);
            sum = fmaf(factor, state[2 + e], sum);
        }
        out[t * outStride + (i64)h * headSize + e] = total == 0.0f ? 0.0f : sum / total;
    }
}
