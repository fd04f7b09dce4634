// Attention within sequences, forward and backward, in F32 arithmetic for any type: flash-attention without tensor cores. out, q
// and their gradients (T, H x E), k, v and theirs (T, K x E), logSumExp and delta (T, H). A block takes 16 rows of one head (4
// for each of 4 warps) and goes through the rows of the other side 32 at a time, one for each lane; a lane then owns columns
// lane, lane + 32, ... of a result; the compiler appends a line ATTENTION(EACH) for the number of columns that is wanted. No two blocks write the same row, so nothing is added up in an order of chance.

#define OWN 4

struct Spec {
    float scale;
    int causal, window;
    float cap;
};

__device__ __forceinline__ bool sees(const Spec &spec, int t, int s) {
    return (!spec.causal || s <= t) && (spec.window == 0 || (s > t - spec.window && s < t + spec.window));
}

// The rows that rows x to y of a tile look at, or are looked at by.
__device__ __forceinline__ int2 seen(const Spec &spec, int4 tile) {
    int from = spec.window ? max(tile.z, tile.x - spec.window + 1) : tile.z;
    int to = spec.causal ? min(tile.w, tile.y) : spec.window ? min(tile.w, tile.y - 1 + spec.window) : tile.w;
    return make_int2(from, to);
}

__device__ __forceinline__ int2 seenBy(const Spec &spec, int4 tile) {
    int from = spec.causal ? tile.x : spec.window ? max(tile.z, tile.x - spec.window + 1) : tile.z;
    int to = spec.window ? min(tile.w, tile.y - 1 + spec.window) : tile.w;
    return make_int2(tile.z == tile.w ? to : from, to);
}

// `count` rows of a head from row `from` on, zeros from `end` on; a row of shared memory has `pitch` elements.
__device__ __forceinline__ void loadHead(float *to, int pitch, const Rows &x, int from, int end, int count, int column, int size) {
    for (int i = threadIdx.x; i < count * size; i += blockDim.x) {
        int r = i / size, e = i - r * size;
        to[r * pitch + e] = from + r < end ? get(x, from + r, column + e) : 0.0f;
    }
}

__device__ __forceinline__ float dot(const float *a, const float *b, int size) {
    float sum0 = 0.0f, sum1 = 0.0f;
    int e = 0;
    for (; e + 1 < size; e += 2) {
        sum0 = fmaf(a[e], b[e], sum0);
        sum1 = fmaf(a[e + 1], b[e + 1], sum1);
    }
    return e < size ? fmaf(a[e], b[e], sum0) + sum1 : sum0 + sum1;
}

template <int EACH>
__device__ __forceinline__ void attend(Rows out, float *lse, i64 lseStride, Rows q, Rows k, Rows v, const int4 *tiles, int heads,
                                       int group, int size, Spec spec) {
    extern __shared__ float memory[];
    int4 tile = tiles[blockIdx.x];
    if (tile.x >= tile.y) {
        return;
    }
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, h = blockIdx.y;
    int pitch = size + 1, column = h * size, keyColumn = h / group * size;
    float *keys = memory, *values = keys + 32 * pitch, *queries = values + 32 * pitch;
    loadHead(queries, size, q, tile.x, tile.y, 4 * OWN, column, size);
    float most[OWN], sum[OWN], acc[OWN][EACH];
#pragma unroll
    for (int w = 0; w < OWN; w++) {
        most[w] = -INFINITE;
        sum[w] = 0.0f;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            acc[w][i] = 0.0f;
        }
    }
    int2 range = seen(spec, tile);
    for (int base = range.x; base < range.y; base += 32) {
        __syncthreads();
        loadHead(keys, pitch, k, base, range.y, 32, keyColumn, size);
        loadHead(values, pitch, v, base, range.y, 32, keyColumn, size);
        __syncthreads();
        int s = base + lane;
#pragma unroll
        for (int w = 0; w < OWN; w++) {
            int t = tile.x + warp * OWN + w;
            float score = dot(queries + (warp * OWN + w) * size, keys + lane * pitch, size) * spec.scale;
            score = spec.cap > 0.0f ? spec.cap * tanhf(score / spec.cap) : score;
            score = s < range.y && sees(spec, t, s) ? score : -INFINITE;
            float largest = score;
#pragma unroll
            for (int offset = 16; offset > 0; offset >>= 1) {
                largest = fmaxf(largest, __shfl_xor_sync(FULL, largest, offset));
            }
            largest = fmaxf(largest, most[w]);
            if (largest == -INFINITE) {
                continue;
            }
            float p = expf(score - largest), change = expf(most[w] - largest);
            most[w] = largest;
            sum[w] = sum[w] * change + warpSum(p);
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                acc[w][i] *= change;
            }
            for (int j = 0; j < 32; j++) {
                float weight = __shfl_sync(FULL, p, j);
#pragma unroll
                for (int i = 0; i < EACH; i++) {
                    int e = lane + 32 * i;
                    acc[w][i] = fmaf(weight, e < size ? values[j * pitch + e] : 0.0f, acc[w][i]);
                }
            }
        }
    }
#pragma unroll
    for (int w = 0; w < OWN; w++) {
        int t = tile.x + warp * OWN + w;
        if (t < tile.y) {
            float factor = sum[w] > 0.0f ? 1.0f / sum[w] : 0.0f;
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                if (lane + 32 * i < size) {
                    set(out, t, column + lane + 32 * i, acc[w][i] * factor);
                }
            }
            if (lane == 0) {
                lse[t * lseStride + h] = sum[w] > 0.0f ? most[w] + logf(sum[w]) : 0.0f;
            }
        }
    }
}

// The weight of a pair of rows and the gradient of its score, without the scale.
__device__ __forceinline__ void pair(const Spec &spec, bool visible, float product, float lse, float dweight, float delta, float *p,
                                     float *ds) {
    float score = product * spec.scale, bend = 1.0f;
    if (spec.cap > 0.0f) {
        float tanh = tanhf(score / spec.cap);
        score = spec.cap * tanh;
        bend = 1.0f - tanh * tanh;
    }
    *p = visible ? expf(score - lse) : 0.0f;
    *ds = visible ? *p * (dweight - delta) * bend : 0.0f;
}

template <int EACH>
__device__ __forceinline__ void attendBackwardQueries(Rows dq, Rows dout, const float *lse, i64 lseStride, const float *delta, Rows q,
                                                      Rows k, Rows v, const int4 *tiles, int heads, int group, int size,
                                                      Spec spec) {
    extern __shared__ float memory[];
    int4 tile = tiles[blockIdx.x];
    if (tile.x >= tile.y) {
        return;
    }
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, h = blockIdx.y;
    int pitch = size + 1, column = h * size, keyColumn = h / group * size;
    float *keys = memory, *values = keys + 32 * pitch, *queries = values + 32 * pitch, *douts = queries + 4 * OWN * size;
    loadHead(queries, size, q, tile.x, tile.y, 4 * OWN, column, size);
    loadHead(douts, size, dout, tile.x, tile.y, 4 * OWN, column, size);
    float acc[OWN][EACH], sums[OWN], deltas[OWN];
#pragma unroll
    for (int w = 0; w < OWN; w++) {
        int t = tile.x + warp * OWN + w;
        sums[w] = t < tile.y ? lse[t * lseStride + h] : 0.0f;
        deltas[w] = t < tile.y ? delta[(i64)t * heads + h] : 0.0f;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            acc[w][i] = 0.0f;
        }
    }
    int2 range = seen(spec, tile);
    for (int base = range.x; base < range.y; base += 32) {
        __syncthreads();
        loadHead(keys, pitch, k, base, range.y, 32, keyColumn, size);
        loadHead(values, pitch, v, base, range.y, 32, keyColumn, size);
        __syncthreads();
        int s = base + lane;
#pragma unroll
        for (int w = 0; w < OWN; w++) {
            int own = warp * OWN + w, t = tile.x + own;
            float product = dot(queries + own * size, keys + lane * pitch, size);
            float dweight = dot(douts + own * size, values + lane * pitch, size);
            float p, ds;
            pair(spec, t < tile.y && s < range.y && sees(spec, t, s), product, sums[w], dweight, deltas[w], &p, &ds);
            for (int j = 0; j < 32; j++) {
                float each = __shfl_sync(FULL, ds, j);
#pragma unroll
                for (int i = 0; i < EACH; i++) {
                    int e = lane + 32 * i;
                    acc[w][i] = fmaf(each, e < size ? keys[j * pitch + e] : 0.0f, acc[w][i]);
                }
            }
        }
    }
#pragma unroll
    for (int w = 0; w < OWN; w++) {
        int t = tile.x + warp * OWN + w;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            if (t < tile.y && lane + 32 * i < size) {
                set(dq, t, column + lane + 32 * i, acc[w][i] * spec.scale);
            }
        }
    }
}

template <int EACH>
__device__ __forceinline__ void attendBackwardKeys(Rows dk, Rows dv, Rows dout, const float *lse, i64 lseStride, const float *delta,
                                                   Rows q, Rows k, Rows v, const int4 *tiles, int heads, int group, int size,
                                                   Spec spec) {
    extern __shared__ float memory[];
    int4 tile = tiles[blockIdx.x];
    if (tile.x >= tile.y) {
        return;
    }
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int pitch = size + 1, keyColumn = blockIdx.y * size;
    float *queries = memory, *douts = queries + 32 * pitch, *keys = douts + 32 * pitch, *values = keys + 4 * OWN * size;
    loadHead(keys, size, k, tile.x, tile.y, 4 * OWN, keyColumn, size);
    loadHead(values, size, v, tile.x, tile.y, 4 * OWN, keyColumn, size);
    float dkeys[OWN][EACH], dvalues[OWN][EACH];
#pragma unroll
    for (int w = 0; w < OWN; w++) {
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            dkeys[w][i] = dvalues[w][i] = 0.0f;
        }
    }
    int2 range = seenBy(spec, tile);
    for (int h = blockIdx.y * group; h < (blockIdx.y + 1) * group; h++) {
        for (int base = range.x; base < range.y; base += 32) {
            __syncthreads();
            loadHead(queries, pitch, q, base, range.y, 32, h * size, size);
            loadHead(douts, pitch, dout, base, range.y, 32, h * size, size);
            __syncthreads();
            int t = base + lane;
            float sum = t < range.y ? lse[t * lseStride + h] : 0.0f;
            float product = t < range.y ? delta[(i64)t * heads + h] : 0.0f;
#pragma unroll
            for (int w = 0; w < OWN; w++) {
                int own = warp * OWN + w, s = tile.x + own;
                float score = dot(keys + own * size, queries + lane * pitch, size);
                float dweight = dot(values + own * size, douts + lane * pitch, size);
                float p, ds;
                pair(spec, s < tile.y && t < range.y && sees(spec, t, s), score, sum, dweight, product, &p, &ds);
                for (int j = 0; j < 32; j++) {
                    float weight = __shfl_sync(FULL, p, j), each = __shfl_sync(FULL, ds, j);
#pragma unroll
                    for (int i = 0; i < EACH; i++) {
                        int e = lane + 32 * i;
                        dvalues[w][i] = fmaf(weight, e < size ? douts[j * pitch + e] : 0.0f, dvalues[w][i]);
                        dkeys[w][i] = fmaf(each, e < size ? queries[j * pitch + e] : 0.0f, dkeys[w][i]);
                    }
                }
            }
        }
    }
#pragma unroll
    for (int w = 0; w < OWN; w++) {
        int s = tile.x + warp * OWN + w;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            if (s < tile.y && lane + 32 * i < size) {
                set(dk, s, keyColumn + lane + 32 * i, dkeys[w][i] * spec.scale);
                set(dv, s, keyColumn + lane + 32 * i, dvalues[w][i]);
            }
        }
    }
}

#define ATTENTION(EACH)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(128) trainAttend_##EACH(                                                    \
        ROWS(out), float *lse, i64 lseStride, ROWS(q), ROWS(k), ROWS(v), const int4 *tiles, int heads, int group, int size,  \
        float scale, int causal, int window, float cap) {                                                                    \
        OPEN(out);                                                                                                           \
        OPEN(q);                                                                                                             \
        OPEN(k);                                                                                                             \
        OPEN(v);                                                                                                             \
        Spec spec = {scale, causal, window, cap};                                                                            \
        attend<EACH>(out, lse, lseStride, q, k, v, tiles, heads, group, size, spec);                                         \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(128) trainAttendBackwardQueries_##EACH(                                     \
        ROWS(dq), ROWS(dout), const float *lse, i64 lseStride, const float *delta, ROWS(q), ROWS(k), ROWS(v),                \
        const int4 *tiles, int heads, int group, int size, float scale, int causal, int window, float cap) {                 \
        OPEN(dq);                                                                                                            \
        OPEN(dout);                                                                                                          \
        OPEN(q);                                                                                                             \
        OPEN(k);                                                                                                             \
        OPEN(v);                                                                                                             \
        Spec spec = {scale, causal, window, cap};                                                                            \
        attendBackwardQueries<EACH>(dq, dout, lse, lseStride, delta, q, k, v, tiles, heads, group, size, spec);              \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(128) trainAttendBackwardKeys_##EACH(                                        \
        ROWS(dk), ROWS(dv), ROWS(dout), const float *lse, i64 lseStride, const float *delta, ROWS(q), ROWS(k), ROWS(v),      \
        const int4 *tiles, int heads, int group, int size, float scale, int causal, int window, float cap) {                 \
        OPEN(dk);                                                                                                            \
        OPEN(dv);                                                                                                            \
        OPEN(dout);                                                                                                          \
        OPEN(q);                                                                                                             \
        OPEN(k);                                                                                                             \
        OPEN(v);                                                                                                             \
        Spec spec = {scale, causal, window, cap};                                                                            \
        attendBackwardKeys<EACH>(dk, dv, dout, lse, lseStride, delta, q, k, v, tiles, heads, group, size, spec);             \
    }
