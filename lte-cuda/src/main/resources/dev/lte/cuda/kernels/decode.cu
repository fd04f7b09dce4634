// Attention of single tokens: few rows over long caches. Shapes as in attention.cu.
#include "append.cuh"

template <int TYPE> __device__ __forceinline__ void unpack(uint4 v, float *f) { decode<TYPE>(v, f); }

#define MERGED 8

// `merge` of at most MERGED results, each thread for itself, so that it waits for memory once.
__device__ __forceinline__ void mergeFew(const volatile float *states, int size, int count, int step, float *to, bool divide) {
    for (int e = threadIdx.x; e < size; e += blockDim.x) {
        float largest[MERGED], weight[MERGED], value[MERGED];
        float top = LOWEST;
#pragma unroll
        for (int i = 0; i < MERGED; i++) {
            if (i < count) {
                largest[i] = states[i * step + size];
                weight[i] = states[i * step + size + 1];
                value[i] = states[i * step + e];
            } else {
                largest[i] = LOWEST;
                weight[i] = 0.0f;
                value[i] = 0.0f;
            }
        }
#pragma unroll
        for (int i = 0; i < MERGED; i++) {
            top = fmaxf(top, largest[i]);
        }
        float sum = 0.0f;
        float whole = 0.0f;
#pragma unroll
        for (int i = 0; i < MERGED; i++) {
            float factor = i < count ? expf(largest[i] - top) : 0.0f;
            sum = fmaf(value[i], factor, sum);
            whole = fmaf(weight[i], factor, whole);
        }
        to[e] = divide ? (whole > 0.0f ? sum / whole : 0.0f) : sum;
        if (!divide && e == 0) {
            to[size] = top;
            to[size + 1] = whole;
        }
    }
}

// Puts `count` partial results of a head together, `step` floats apart: E sums, their largest score, their sum of weights.
// Volatile, since other blocks have just written them. factors: `count` floats of shared memory.
__device__ __forceinline__ void merge(const Attend &a, const volatile float *states, int count, int step, float *to,
                                      float *factors, bool divide) {
    int size = a.headSize;
    if (count <= MERGED) {
        mergeFew(states, size, count, step, to, divide);
        return;
    }
    int lane = threadIdx.x & 31;
    float top = LOWEST;
    for (int i = lane; i < count; i += 32) {
        top = fmaxf(top, states[i * step + size]);
    }
    for (int o = 16; o > 0; o >>= 1) {
        top = fmaxf(top, __shfl_xor_sync(FULL, top, o));
    }
    float whole = 0.0f;
    for (int i = lane; i < count; i += 32) {
        float factor = expf(states[i * step + size] - top);
        whole = fmaf(states[i * step + size + 1], factor, whole);
        if (threadIdx.x < 32) {
            factors[i] = factor;
        }
    }
    whole = warpSum(whole);
    __syncthreads();
    for (int e = threadIdx.x; e < size; e += blockDim.x) {
        float sum = 0.0f;
#pragma unroll 8
        for (int i = 0; i < count; i++) {
            sum = fmaf(states[i * step + e], factors[i], sum);
        }
        to[e] = divide ? (whole > 0.0f ? sum / whole : 0.0f) : sum;
    }
    if (!divide && threadIdx.x == 0) {
        to[size] = top;
        to[size + 1] = whole;
    }
    __syncthreads();
}

// Whether this block is the last of a row and its heads to have written its part, which all threads then see.
__device__ __forceinline__ bool lastOf(const Attend &a, int t) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    u32 *ticket = a.tickets + (i64)t * gridDim.y + blockIdx.y;
    if (threadIdx.x == 0) {
        last = atomicAdd(ticket, 1) == a.parts - 1;
        if (last) {
            *ticket = 0;
        }
    }
    __syncthreads();
    __threadfence();
    return last;
}

// A block takes one part of the positions of one row and up to HEADS query heads that share a key/value head. A row of the
// cache is read by as many neighbouring lanes as it has pieces of 16 bytes, rounded up to a power of two; each such team goes
// through its own positions with its own running softmax, AHEAD positions at a time. The last block of a row and head to finish
// puts the parts together, in their order.
//
// NEW: the row, the only one, comes as the product in front made it: the blocks turn its query for themselves, the one that sees
// the row turns and stores its key and stores its value, and the last to finish puts the query back.
template <int TYPE, int HEADS, bool NEW> __device__ __forceinline__ void attendFew(const Attend &a, const Append &append) {
    const int PIECE = Chunk<TYPE>::SIZE;
    const int AHEAD = HEADS == 1 ? 8 : 4;
    extern __shared__ float memory[];
    __shared__ float factors[128];
    __shared__ uint4 fresh[NEW ? 2 : 1][32];
    __shared__ float freshKey[NEW ? 32 * PIECE : 1];
    if (!a.ahead) {
        waitForPrevious();
        letNextStart();
    }
    int group = a.heads / a.keyHeads;
    int passes = (group + HEADS - 1) / HEADS;
    int keyHead = blockIdx.y / passes;
    int firstHead = keyHead * group + blockIdx.y % passes * HEADS;
    int heads = min(HEADS, (keyHead + 1) * group - firstHead);
    int t = blockIdx.z;
    int pieces = a.headSize / PIECE;
    int lanes = 1;
    while (lanes < pieces) {
        lanes *= 2;
    }
    int team = threadIdx.x / lanes;
    int teams = blockDim.x / lanes;
    int piece = threadIdx.x % lanes;
    bool live = piece < pieces;

    int position = a.rows.positions[t * a.rows.positionStride];
    int sequence = a.rows.sequences[t * a.rows.sequenceStride];
    i64 capacity = min((i64)a.rows.perSequence * a.rows.pageSize, (i64)0x7ffffffe);
    i64 end = min((i64)position, capacity - 1) + 1;
    if (!a.causal && position >= 0) {
        for (int other = 0; other < a.count; other++) {
            if (a.rows.sequences[other * a.rows.sequenceStride] == sequence) {
                end = max(end, min((i64)a.rows.positions[other * a.rows.positionStride], capacity - 1) + 1);
            }
        }
    }
    i64 window = a.window ? a.window : 0x7fffffff;
    int begin = (int)max(0LL, (i64)position - window + 1);
    int seen = (int)max(0LL, min(end, (i64)position + window) - begin);
    int each = (seen + a.parts - 1) / a.parts;
    int from = begin + min((int)blockIdx.x * each, seen);
    int to = begin + min(((int)blockIdx.x + 1) * each, seen);
    i64 offset = ((i64)keyHead * a.headSize + piece * PIECE) * (16 / PIECE);

    // Rows of the cache from `oldest` on are new.
    int oldest = 0;
    if (a.ahead) {
        oldest = position;
        for (int other = threadIdx.x & 31; other < a.count; other += 32) {
            if (a.rows.sequences[other * a.rows.sequenceStride] == sequence) {
                oldest = min(oldest, a.rows.positions[other * a.rows.positionStride]);
            }
        }
        for (int o = 16; o > 0; o >>= 1) {
            oldest = min(oldest, __shfl_xor_sync(FULL, oldest, o));
        }
    }
    bool there[AHEAD];
    uint4 key[AHEAD], value[AHEAD];
    auto fetch = [&](int first, int begin, int end) {
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            int at = first + i * teams + team;
            if (at >= begin && at < end) {
                i64 row = a.rows.row(sequence, at);
                there[i] = row >= 0;
                if (NEW && at == position) {
                    key[i] = fresh[0][piece];
                    value[i] = fresh[NEW ? 1 : 0][piece];
                } else if (there[i] && live) {
                    key[i] = *(const uint4 *)(a.keys + row * a.keyStride * (16 / PIECE) + offset);
                    value[i] = *(const uint4 *)(a.values + row * a.valueStride * (16 / PIECE) + offset);
                }
            }
        }
    };
#pragma unroll
    for (int i = 0; i < AHEAD; i++) {
        there[i] = false;
        key[i] = make_uint4(0, 0, 0, 0);
        value[i] = make_uint4(0, 0, 0, 0);
    }
    if (a.ahead) {
        fetch(from, from, min(oldest, to));
        waitForPrevious();
        letNextStart();
    }
    const float *queries = a.q + t * a.qStride + firstHead * a.headSize;
    const float *angles = append.table + clampIndex(position, append.tableRows) * append.tableStride;
    if (NEW) {
        queries = memory + teams * HEADS * (a.headSize + 2);
        for (int i = threadIdx.x; i < heads * a.headSize; i += blockDim.x) {
            const float *head = a.q + (firstHead + i / a.headSize) * a.headSize;
            memory[teams * HEADS * (a.headSize + 2) + i] = turned(append, angles, head, i % a.headSize, position >= 0);
        }
        if (position >= from && position < to) {
            i64 row = a.rows.row(sequence, position);
            for (int e = threadIdx.x; e < a.headSize; e += blockDim.x) {
                int column = keyHead * a.headSize + e;
                float k = turned(append, angles, append.x + (append.firstKey + keyHead) * a.headSize, e, true);
                float v = append.v[column];
                freshKey[NEW ? e : 0] = k;
                storeElement((u8 *)fresh[0], TYPE, e, k);
                storeElement((u8 *)fresh[NEW ? 1 : 0], TYPE, e, v);
                if (row >= 0) {
                    storeElement(append.keys, TYPE, row * append.keyStride + column, k);
                    storeElement(append.values, TYPE, row * append.valueStride + column, v);
                }
            }
        }
        __syncthreads();
        if (position >= from && position < to) {
            for (int e = threadIdx.x; e < a.headSize; e += blockDim.x) {
                append.x[(append.firstKey + keyHead) * a.headSize + e] = freshKey[NEW ? e : 0];
            }
        }
    }
    fetch(from, max(oldest, from), to);
    float q[HEADS][PIECE], sum[HEADS][PIECE], largest[HEADS], total[HEADS];
#pragma unroll
    for (int h = 0; h < HEADS; h++) {
        largest[h] = LOWEST;
        total[h] = 0.0f;
#pragma unroll
        for (int i = 0; i < PIECE; i++) {
            sum[h][i] = 0.0f;
            q[h][i] = live && h < heads ? queries[h * a.headSize + piece * PIECE + i] : 0.0f;
        }
    }

    for (int first = from; first < to; first += AHEAD * teams) {
        if (first > from) {
#pragma unroll
            for (int i = 0; i < AHEAD; i++) {
                there[i] = false;
            }
            fetch(first, from, to);
        }
        float score[AHEAD][HEADS];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            float k[PIECE];
            unpack<TYPE>(key[i], k);
#pragma unroll
            for (int h = 0; h < HEADS; h++) {
                float dot = 0.0f;
#pragma unroll
                for (int j = 0; j < PIECE; j++) {
                    dot = fmaf(q[h][j], k[j], dot);
                }
                for (int o = lanes >> 1; o > 0; o >>= 1) {
                    dot += __shfl_xor_sync(FULL, dot, o);
                }
                dot *= a.scale;
                dot = a.cap > 0.0f ? a.cap * tanhf(dot / a.cap) : dot;
                score[i][h] = there[i] ? dot : LOWEST;
            }
        }
#pragma unroll
        for (int h = 0; h < HEADS; h++) {
            float next = largest[h];
#pragma unroll
            for (int i = 0; i < AHEAD; i++) {
                next = fmaxf(next, score[i][h]);
            }
            float shrink = expf(largest[h] - next);
            largest[h] = next;
            total[h] *= shrink;
#pragma unroll
            for (int j = 0; j < PIECE; j++) {
                sum[h][j] *= shrink;
            }
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            float v[PIECE];
            unpack<TYPE>(value[i], v);
#pragma unroll
            for (int h = 0; h < HEADS; h++) {
                float weight = there[i] ? expf(score[i][h] - largest[h]) : 0.0f;
                total[h] += weight;
#pragma unroll
                for (int j = 0; j < PIECE; j++) {
                    sum[h][j] = fmaf(weight, v[j], sum[h][j]);
                }
            }
        }
    }
    int size = a.headSize + 2;
#pragma unroll
    for (int h = 0; h < HEADS; h++) {
        float *at = memory + (team * HEADS + h) * size;
        if (live) {
#pragma unroll
            for (int i = 0; i < PIECE; i++) {
                at[piece * PIECE + i] = sum[h][i];
            }
        }
        if (piece == 0) {
            at[a.headSize] = largest[h];
            at[a.headSize + 1] = total[h];
        }
    }
    __syncthreads();
    for (int h = 0; h < heads; h++) {
        float *out = a.out + t * a.outStride + (i64)(firstHead + h) * a.headSize;
        float *state = a.states + (((i64)t * a.heads + firstHead + h) * a.parts + blockIdx.x) * size;
        merge(a, memory + h * size, teams, HEADS * size, a.parts == 1 ? out : state, factors, a.parts == 1);
    }
    if (a.parts > 1) {
        if (!lastOf(a, t)) {
            return;
        }
        for (int h = 0; h < heads; h++) {
            i64 head = (i64)t * a.heads + firstHead + h;
            float *out = a.out + t * a.outStride + (i64)(firstHead + h) * a.headSize;
            merge(a, a.states + head * a.parts * size, a.parts, size, out, factors, true);
        }
    }
    if (NEW) {
        for (int i = threadIdx.x; i < heads * a.headSize; i += blockDim.x) {
            append.x[firstHead * a.headSize + i] = queries[i];
        }
    }
}

struct AttendNew {
    Attend attend;
    Append append;
};

#define FEW(TYPE, HEADS)                                                                                         \
    extern "C" __global__ void __launch_bounds__(128, HEADS == 1 ? 4 : 3) attendFew_##TYPE##_##HEADS(const __grid_constant__ Attend a) { \
        attendFew<TYPE, HEADS, false>(a, Append());                                                              \
    }                                                                                                            \
    extern "C" __global__ void __launch_bounds__(128, HEADS == 1 ? 4 : 3) attendNew_##TYPE##_##HEADS(const __grid_constant__ AttendNew a) { \
        attendFew<TYPE, HEADS, true>(a.attend, a.append);                                                        \
    }

FEW(F32, 1)
FEW(F32, 4)
FEW(F16, 1)
FEW(F16, 4)
FEW(BF16, 1)
FEW(BF16, 4)
