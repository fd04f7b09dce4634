// Attention within sequences on tensor cores, for BF16: as train_attention.cu, but a block takes 64 rows of one head, 16 for
// each of 4 warps, and goes through the rows of the other side 64 (or 32) at a time. Products are BF16 with F32 sums (mma
// m16n8k16); weights p and gradients of scores are rounded to BF16 between products. Heads are padded to EP columns, a multiple
// of 16; the compiler appends a line FLASH(EP) for those that are wanted. Tiles are those of trainTiles.

typedef u16 brain;

#define ROW(EP) ((EP) + 8) // elements of a row in shared memory: ldmatrix then meets no bank twice

struct Spec {
    float scale;
    int causal, window;
    float cap;
};

__device__ __forceinline__ bool sees(const Spec &spec, int t, int s) {
    return (!spec.causal || s <= t) && (spec.window == 0 || (s > t - spec.window && s < t + spec.window));
}

__device__ __forceinline__ u32 sharedAddress(const void *at) { return (u32)__cvta_generic_to_shared(at); }

__device__ __forceinline__ void loadMatrices(u32 *to, const brain *from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(sharedAddress(from)));
}

__device__ __forceinline__ void loadTransposed(u32 *to, const brain *from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(sharedAddress(from)));
}

__device__ __forceinline__ void multiply(float *c, const u32 *a, u32 b0, u32 b1) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ u32 pack(float low, float high) {
    u32 pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

// 2^x, to 22 bits.
__device__ __forceinline__ float power2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

#define LOG2E 1.4426950408889634f

// Copies that run while the block computes, in groups.
__device__ __forceinline__ void copy16(brain *to, const brain *from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(sharedAddress(to)), "l"(from), "r"(there ? 16 : 0));
}

__device__ __forceinline__ void copy4(float *to, const float *from, bool there) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(sharedAddress(to)), "l"(from), "r"(there ? 4 : 0));
}

__device__ __forceinline__ void endGroup() { asm volatile("cp.async.commit_group;"); }

// Waits for all groups, or all but the last.
__device__ __forceinline__ void awaitGroups(bool all) {
    if (all) {
        asm volatile("cp.async.wait_group 0;" ::: "memory");
    } else {
        asm volatile("cp.async.wait_group 1;" ::: "memory");
    }
}

// Rows `from` to `from + COUNT` of a head, zeros from `end` on and behind its `size` columns; there with the group.
template <int EP, int COUNT>
__device__ __forceinline__ void loadHead(brain *to, const brain *x, i64 stride, int from, int end, int size, int aligned) {
    for (int i = threadIdx.x; i < COUNT * EP / 8; i += 128) {
        int r = i / (EP / 8), e = (i - r * (EP / 8)) * 8;
        bool there = from + r < end && e < size;
        const brain *at = there ? x + (i64)(from + r) * stride + e : x;
        if (aligned) {
            copy16(to + r * ROW(EP) + e, at, there);
        } else {
            u32 words[4] = {0, 0, 0, 0};
#pragma unroll
            for (int j = 0; j < 8; j++) {
                words[j >> 1] |= there && e + j < size ? (u32)at[j] << (16 * (j & 1)) : 0u;
            }
            *(uint4 *)(to + r * ROW(EP) + e) = make_uint4(words[0], words[1], words[2], words[3]);
        }
    }
}

// The 16 x EP rows of a warp as factors on the left.
template <int EP> __device__ __forceinline__ void loadLeft(u32 (&to)[EP / 16][4], const brain *tile, int warp, int lane) {
#pragma unroll
    for (int k = 0; k < EP / 16; k++) {
        loadMatrices(to[k], tile + (warp * 16 + (lane & 15)) * ROW(EP) + k * 16 + (lane >> 4) * 8);
    }
}

// c (16 x N) = left (16 x EP) times tile (N x EP) transposed.
template <int EP, int N>
__device__ __forceinline__ void multiplyRows(float (&c)[N / 8][4], const u32 (&left)[EP / 16][4], const brain *tile, int lane) {
#pragma unroll
    for (int n = 0; n < N / 8; n++) {
        c[n][0] = c[n][1] = c[n][2] = c[n][3] = 0.0f;
    }
#pragma unroll
    for (int k = 0; k < EP / 16; k++) {
#pragma unroll
        for (int n = 0; n < N / 16; n++) {
            u32 right[4];
            loadMatrices(right, tile + (n * 16 + (lane & 7) + (lane >> 4) * 8) * ROW(EP) + k * 16 + (lane >> 3 & 1) * 8);
            multiply(c[2 * n], left[k], right[0], right[1]);
            multiply(c[2 * n + 1], left[k], right[2], right[3]);
        }
    }
}

// c (16 x EP) += p (16 x N, as an earlier product left it) times tile (N x EP).
template <int EP, int N>
__device__ __forceinline__ void multiplyColumns(float (&c)[EP / 8][4], const float (&p)[N / 8][4], const brain *tile, int lane) {
#pragma unroll
    for (int k = 0; k < N / 16; k++) {
        u32 left[4] = {pack(p[2 * k][0], p[2 * k][1]), pack(p[2 * k][2], p[2 * k][3]), pack(p[2 * k + 1][0], p[2 * k + 1][1]),
                       pack(p[2 * k + 1][2], p[2 * k + 1][3])};
#pragma unroll
        for (int n = 0; n < EP / 16; n++) {
            u32 right[4];
            loadTransposed(right, tile + (k * 16 + (lane & 15)) * ROW(EP) + n * 16 + (lane >> 4) * 8);
            multiply(c[2 * n], left, right[0], right[1]);
            multiply(c[2 * n + 1], left, right[2], right[3]);
        }
    }
}

// Stores rows `row` and `row + 8` of a warp's 16 x EP result.
template <int EP>
__device__ __forceinline__ void storeHead(brain *to, i64 stride, const float (&c)[EP / 8][4], int row, int end, int size, float first,
                                          float second, int lane, int aligned) {
#pragma unroll
    for (int n = 0; n < EP / 8; n++) {
        int e = n * 8 + (lane & 3) * 2;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int t = row + 8 * half;
            float factor = half ? second : first;
            if (t < end && e < size) {
                brain *at = to + (i64)t * stride + e;
                u32 both = pack(c[n][2 * half] * factor, c[n][2 * half + 1] * factor);
                if (aligned) {
                    *(u32 *)at = both;
                } else {
                    at[0] = (brain)both;
                    if (e + 1 < size) {
                        at[1] = (brain)(both >> 16);
                    }
                }
            }
        }
    }
}

template <int EP>
__device__ __forceinline__ void attend(brain *out, i64 outStride, float *lse, i64 lseStride, const brain *q, i64 qStride,
                                       const brain *k, i64 kStride, const brain *v, i64 vStride, const int4 *tiles, int group,
                                       int size, Spec spec, int aligned) {
    extern __shared__ __align__(16) brain memory[];
    int4 tile = tiles[blockIdx.x];
    if (tile.x >= tile.y) {
        return;
    }
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, h = blockIdx.y;
    const int TILE = 64 * ROW(EP);
    brain *queries = memory, *keys = queries + TILE, *values = keys + 2 * TILE; // two of each, used in turn
    k += (i64)(h / group) * size;
    v += (i64)(h / group) * size;
    i64 column = (i64)h * size;
    int from = spec.window ? max(tile.z, tile.x - spec.window + 1) : tile.z;
    int to = spec.causal ? min(tile.w, tile.y) : spec.window ? min(tile.w, tile.y - 1 + spec.window) : tile.w;
    loadHead<EP, 64>(queries, q + column, qStride, tile.x, tile.y, size, aligned);
    endGroup();
    loadHead<EP, 64>(keys, k, kStride, from, to, size, aligned);
    loadHead<EP, 64>(values, v, vStride, from, to, size, aligned);
    endGroup();
    awaitGroups(false);
    __syncthreads();
    u32 left[EP / 16][4];
    loadLeft<EP>(left, queries, warp, lane);
    float acc[EP / 8][4];
#pragma unroll
    for (int n = 0; n < EP / 8; n++) {
        acc[n][0] = acc[n][1] = acc[n][2] = acc[n][3] = 0.0f;
    }
    float most[2] = {-INFINITE, -INFINITE}, sum[2] = {0.0f, 0.0f};
    int row = tile.x + warp * 16 + (lane >> 2);
    float scale = spec.scale * LOG2E;
    for (int base = from, turn = 0; base < to; base += 64, turn ^= 1) {
        bool last = base + 64 >= to;
        if (!last) {
            loadHead<EP, 64>(keys + (turn ^ 1) * TILE, k, kStride, base + 64, to, size, aligned);
            loadHead<EP, 64>(values + (turn ^ 1) * TILE, v, vStride, base + 64, to, size, aligned);
            endGroup();
        }
        awaitGroups(last);
        __syncthreads();
        float score[8][4];
        multiplyRows<EP, 64>(score, left, keys + turn * TILE, lane);
        bool whole = base + 64 <= to && (!spec.causal || base + 63 <= tile.x) && spec.window == 0;
        float largest[2] = {most[0], most[1]};
#pragma unroll
        for (int n = 0; n < 8; n++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                float value = score[n][j] * scale;
                if (spec.cap > 0.0f) {
                    value = spec.cap * tanhf(score[n][j] * spec.scale / spec.cap) * LOG2E;
                }
                if (!whole) {
                    int s = base + n * 8 + (lane & 3) * 2 + (j & 1);
                    value = s < to && sees(spec, row + 8 * (j >> 1), s) ? value : -INFINITE;
                }
                score[n][j] = value;
                largest[j >> 1] = fmaxf(largest[j >> 1], value);
            }
        }
        float shift[2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            largest[half] = fmaxf(largest[half], __shfl_xor_sync(FULL, largest[half], 1));
            largest[half] = fmaxf(largest[half], __shfl_xor_sync(FULL, largest[half], 2));
            shift[half] = largest[half] == -INFINITE ? 0.0f : largest[half];
            float change = power2(most[half] - shift[half]);
            most[half] = largest[half];
            sum[half] *= change;
#pragma unroll
            for (int n = 0; n < EP / 8; n++) {
                acc[n][2 * half] *= change;
                acc[n][2 * half + 1] *= change;
            }
        }
#pragma unroll
        for (int n = 0; n < 8; n++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                score[n][j] = power2(score[n][j] - shift[j >> 1]);
                sum[j >> 1] += score[n][j];
            }
        }
        multiplyColumns<EP, 64>(acc, score, values + turn * TILE, lane);
        __syncthreads();
    }
    float factor[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        sum[half] += __shfl_xor_sync(FULL, sum[half], 1);
        sum[half] += __shfl_xor_sync(FULL, sum[half], 2);
        factor[half] = sum[half] > 0.0f ? 1.0f / sum[half] : 0.0f;
        int t = row + 8 * half;
        if (t < tile.y && (lane & 3) == 0) {
            lse[t * lseStride + h] = sum[half] > 0.0f ? most[half] / LOG2E + logf(sum[half]) : 0.0f;
        }
    }
    storeHead<EP>(out + column, outStride, acc, row, tile.y, size, factor[0], factor[1], lane, aligned);
}

// p, a product of a query and a key, becomes their weight and dp the gradient of their score, without the scale. lse and scale
// are those of powers of 2.
__device__ __forceinline__ void pair(const Spec &spec, float scale, bool visible, float lse, float delta, float *p, float *dp) {
    float power = fmaf(*p, scale, -lse), bend = 1.0f;
    if (spec.cap > 0.0f) {
        float tanh = tanhf(*p * spec.scale / spec.cap);
        power = spec.cap * tanh * LOG2E - lse;
        bend = 1.0f - tanh * tanh;
    }
    *p = visible ? power2(power) : 0.0f;
    *dp = visible ? *p * (*dp - delta) * bend : 0.0f;
}

template <int EP>
__device__ __forceinline__ void attendBackwardQueries(brain *dq, i64 dqStride, const brain *dout, i64 doutStride, const float *lse,
                                                      i64 lseStride, const float *delta, const brain *q, i64 qStride,
                                                      const brain *k, i64 kStride, const brain *v, i64 vStride, const int4 *tiles,
                                                      int heads, int group, int size, Spec spec, int aligned) {
    extern __shared__ __align__(16) brain memory[];
    int4 tile = tiles[blockIdx.x];
    if (tile.x >= tile.y) {
        return;
    }
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, h = blockIdx.y;
    const int N = EP <= 64 ? 64 : 32, TILE = N * ROW(EP);
    brain *queries = memory, *douts = queries + 64 * ROW(EP), *keys = douts + 64 * ROW(EP), *values = keys + 2 * TILE;
    k += (i64)(h / group) * size;
    v += (i64)(h / group) * size;
    i64 column = (i64)h * size;
    int from = spec.window ? max(tile.z, tile.x - spec.window + 1) : tile.z;
    int to = spec.causal ? min(tile.w, tile.y) : spec.window ? min(tile.w, tile.y - 1 + spec.window) : tile.w;
    loadHead<EP, 64>(queries, q + column, qStride, tile.x, tile.y, size, aligned);
    loadHead<EP, 64>(douts, dout + column, doutStride, tile.x, tile.y, size, aligned);
    endGroup();
    loadHead<EP, N>(keys, k, kStride, from, to, size, aligned);
    loadHead<EP, N>(values, v, vStride, from, to, size, aligned);
    endGroup();
    awaitGroups(false);
    __syncthreads();
    u32 left[EP / 16][4], dleft[EP / 16][4];
    loadLeft<EP>(left, queries, warp, lane);
    loadLeft<EP>(dleft, douts, warp, lane);
    float acc[EP / 8][4];
#pragma unroll
    for (int n = 0; n < EP / 8; n++) {
        acc[n][0] = acc[n][1] = acc[n][2] = acc[n][3] = 0.0f;
    }
    int row = tile.x + warp * 16 + (lane >> 2);
    float sums[2], deltas[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int t = row + 8 * half;
        sums[half] = t < tile.y ? lse[t * lseStride + h] * LOG2E : 0.0f;
        deltas[half] = t < tile.y ? delta[(i64)t * heads + h] : 0.0f;
    }
    float scale = spec.scale * LOG2E;
    for (int base = from, turn = 0; base < to; base += N, turn ^= 1) {
        bool last = base + N >= to;
        if (!last) {
            loadHead<EP, N>(keys + (turn ^ 1) * TILE, k, kStride, base + N, to, size, aligned);
            loadHead<EP, N>(values + (turn ^ 1) * TILE, v, vStride, base + N, to, size, aligned);
            endGroup();
        }
        awaitGroups(last);
        __syncthreads();
        float p[N / 8][4], dp[N / 8][4];
        multiplyRows<EP, N>(p, left, keys + turn * TILE, lane);
        multiplyRows<EP, N>(dp, dleft, values + turn * TILE, lane);
        // Rows behind the tile are zeros and stay so.
        bool whole = base + N <= to && (!spec.causal || base + N - 1 <= tile.x) && spec.window == 0;
#pragma unroll
        for (int n = 0; n < N / 8; n++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                if (whole) {
                    pair(spec, scale, true, sums[j >> 1], deltas[j >> 1], &p[n][j], &dp[n][j]);
                } else {
                    int s = base + n * 8 + (lane & 3) * 2 + (j & 1), t = row + 8 * (j >> 1);
                    bool visible = t < tile.y && s < to && sees(spec, t, s);
                    pair(spec, scale, visible, sums[j >> 1], deltas[j >> 1], &p[n][j], &dp[n][j]);
                }
            }
        }
        multiplyColumns<EP, N>(acc, dp, keys + turn * TILE, lane);
        __syncthreads();
    }
    storeHead<EP>(dq + column, dqStride, acc, row, tile.y, size, spec.scale, spec.scale, lane, aligned);
}

template <int EP>
__device__ __forceinline__ void attendBackwardKeys(brain *dk, i64 dkStride, brain *dv, i64 dvStride, const brain *dout, i64 doutStride,
                                                   const float *lse, i64 lseStride, const float *delta, const brain *q, i64 qStride,
                                                   const brain *k, i64 kStride, const brain *v, i64 vStride, const int4 *tiles,
                                                   int heads, int group, int size, Spec spec, int aligned) {
    extern __shared__ __align__(16) brain memory[];
    __shared__ float sums[2][64], deltas[2][64];
    int4 tile = tiles[blockIdx.x];
    if (tile.x >= tile.y) {
        return;
    }
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int N = EP <= 64 ? 64 : 32, TILE = N * ROW(EP);
    brain *keys = memory, *values = keys + 64 * ROW(EP), *queries = values + 64 * ROW(EP), *douts = queries + 2 * TILE;
    i64 keyColumn = (i64)blockIdx.y * size;
    int from = spec.causal ? tile.x : spec.window ? max(tile.z, tile.x - spec.window + 1) : tile.z;
    int to = spec.window ? min(tile.w, tile.y - 1 + spec.window) : tile.w;
    from = tile.z == tile.w ? to : from; // rows outside all sequences
    int steps = from < to ? (to - from + N - 1) / N : 0, all = steps * group;
    // Step i is of head i / steps of the group.
    auto fetch = [&](int i, int turn) {
        int h = blockIdx.y * group + i / steps, base = from + i % steps * N;
        i64 column = (i64)h * size;
        loadHead<EP, N>(queries + turn * TILE, q + column, qStride, base, to, size, aligned);
        loadHead<EP, N>(douts + turn * TILE, dout + column, doutStride, base, to, size, aligned);
        if (threadIdx.x < N) {
            int t = base + threadIdx.x;
            copy4(&sums[turn][threadIdx.x], t < to ? lse + t * lseStride + h : lse, t < to);
            copy4(&deltas[turn][threadIdx.x], t < to ? delta + (i64)t * heads + h : delta, t < to);
        }
        endGroup();
    };
    loadHead<EP, 64>(keys, k + keyColumn, kStride, tile.x, tile.y, size, aligned);
    loadHead<EP, 64>(values, v + keyColumn, vStride, tile.x, tile.y, size, aligned);
    endGroup();
    if (all > 0) {
        fetch(0, 0);
    }
    awaitGroups(all == 0);
    __syncthreads();
    u32 left[EP / 16][4], dleft[EP / 16][4];
    loadLeft<EP>(left, keys, warp, lane);
    loadLeft<EP>(dleft, values, warp, lane);
    float dkeys[EP / 8][4], dvalues[EP / 8][4];
#pragma unroll
    for (int n = 0; n < EP / 8; n++) {
        dkeys[n][0] = dkeys[n][1] = dkeys[n][2] = dkeys[n][3] = 0.0f;
        dvalues[n][0] = dvalues[n][1] = dvalues[n][2] = dvalues[n][3] = 0.0f;
    }
    int row = tile.x + warp * 16 + (lane >> 2);
    float scale = spec.scale * LOG2E;
    for (int i = 0, turn = 0; i < all; i++, turn ^= 1) {
        bool last = i + 1 == all;
        if (!last) {
            fetch(i + 1, turn ^ 1);
        }
        awaitGroups(last);
        __syncthreads();
        int base = from + i % steps * N;
        float p[N / 8][4], dp[N / 8][4];
        multiplyRows<EP, N>(p, left, queries + turn * TILE, lane);
        multiplyRows<EP, N>(dp, dleft, douts + turn * TILE, lane);
        // Keys behind the tile are not stored.
        bool whole = base + N <= to && (!spec.causal || base >= tile.x + 63) && spec.window == 0;
#pragma unroll
        for (int n = 0; n < N / 8; n++) {
#pragma unroll
            for (int j = 0; j < 4; j++) {
                int at = n * 8 + (lane & 3) * 2 + (j & 1);
                float sum = sums[turn][at] * LOG2E, product = deltas[turn][at];
                if (whole) {
                    pair(spec, scale, true, sum, product, &p[n][j], &dp[n][j]);
                } else {
                    int t = base + at, s = row + 8 * (j >> 1);
                    pair(spec, scale, s < tile.y && t < to && sees(spec, t, s), sum, product, &p[n][j], &dp[n][j]);
                }
            }
        }
        multiplyColumns<EP, N>(dvalues, p, douts + turn * TILE, lane);
        multiplyColumns<EP, N>(dkeys, dp, queries + turn * TILE, lane);
        __syncthreads();
    }
    storeHead<EP>(dk + keyColumn, dkStride, dkeys, row, tile.y, size, spec.scale, spec.scale, lane, aligned);
    storeHead<EP>(dv + keyColumn, dvStride, dvalues, row, tile.y, size, 1.0f, 1.0f, lane, aligned);
}

#define FLASH(EP)                                                                                                               \
    extern "C" __global__ void __launch_bounds__(128) trainFlash_##EP(                                                          \
        brain *out, i64 outStride, float *lse, i64 lseStride, const brain *q, i64 qStride, const brain *k, i64 kStride,         \
        const brain *v, i64 vStride, const int4 *tiles, int group, int size, float scale, int causal, int window, float cap,    \
        int aligned) {                                                                                                          \
        Spec spec = {scale, causal, window, cap};                                                                               \
        attend<EP>(out, outStride, lse, lseStride, q, qStride, k, kStride, v, vStride, tiles, group, size, spec, aligned);      \
    }                                                                                                                           \
    extern "C" __global__ void __launch_bounds__(128) trainFlashBackwardQueries_##EP(                                           \
        brain *dq, i64 dqStride, const brain *dout, i64 doutStride, const float *lse, i64 lseStride, const float *delta,        \
        const brain *q, i64 qStride, const brain *k, i64 kStride, const brain *v, i64 vStride, const int4 *tiles, int heads,    \
        int group, int size, float scale, int causal, int window, float cap, int aligned) {                                     \
        Spec spec = {scale, causal, window, cap};                                                                               \
        attendBackwardQueries<EP>(dq, dqStride, dout, doutStride, lse, lseStride, delta, q, qStride, k, kStride, v, vStride,    \
                                  tiles, heads, group, size, spec, aligned);                                                    \
    }                                                                                                                           \
    extern "C" __global__ void __launch_bounds__(128) trainFlashBackwardKeys_##EP(                                              \
        brain *dk, i64 dkStride, brain *dv, i64 dvStride, const brain *dout, i64 doutStride, const float *lse, i64 lseStride,   \
        const float *delta, const brain *q, i64 qStride, const brain *k, i64 kStride, const brain *v, i64 vStride,              \
        const int4 *tiles, int heads, int group, int size, float scale, int causal, int window, float cap, int aligned) {       \
        Spec spec = {scale, causal, window, cap};                                                                               \
        attendBackwardKeys<EP>(dk, dkStride, dv, dvStride, dout, doutStride, lse, lseStride, delta, q, qStride, k, kStride, v,  \
                               vStride, tiles, heads, group, size, spec, aligned);                                              \
    }
