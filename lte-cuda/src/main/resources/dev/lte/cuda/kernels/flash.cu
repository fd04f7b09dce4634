// Attention of many rows over an F16 cache on Hopper's matrix instructions; shapes as in attention.cu, heads of 64 or 128 columns. A
// block takes 128 rows of one head: two warpgroups 64 rows each, with a running softmax over tiles of 128 positions that a warp brings
// through a ring of two. The products of a tile's scores run beside those of the values before it, and beside the softmax.
//
// Queries (times the scale) and softmax weights are rounded to F16, sums are F32. Rows of several sequences may share a block: it goes
// through one sequence after the other. Positions come in boxes that lie together in the cache: powers of two
// that divide the page and the tile.
#if __CUDA_ARCH_FEAT_SM90_ALL
#include "attend.cuh"
#include "bulk.cuh"
#include "wgmma.cuh"

#define ROWS 128
#define TILE 128
#define SMALLEST_BOX 8
#define HALF (TILE * 128)  // bytes of 64 columns of a tile

#define LOG2E 1.4426950408889634f

struct Flash {
    TensorMap keys;  // boxes of 64 columns, 2^shift rows
    TensorMap values;
    Attend attend;
    int shift;  // a box has 2^shift positions
    u16 *rounded;  // (T, H x E), out in BF16 too, or null
};

// 2^x, to 22 bits.
__device__ __forceinline__ float power2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// cap tanh(x / cap), to 2^-20 of cap.
__device__ __forceinline__ float capped(float x, float cap) {
    return cap - __fdividef(2.f * cap, power2(2.f * LOG2E * __fdividef(x, cap)) + 1.f);
}

__device__ __forceinline__ u32 packHalf(float low, float high) {
    u32 r;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

// Where 16 bytes, `piece` of 8, of a row of a tile lie.
__device__ __forceinline__ u32 swizzled(int row, int piece) { return row * 128 + ((piece ^ (row & 7)) << 4); }

// The rows of a block, and what is there of a tile of positions.
struct Plan {
    int from[ROWS];  // positions that a row sees
    int to[ROWS];
    int line[ROWS];  // what tells sequences apart
    // Positions of a box that have rows in the cache. A warp reads those of a tile before it lets go of the keys of the next one, and
    // they are written over when the keys of the one after that have been let go of.
    int there[4][TILE / SMALLEST_BOX];
};

__device__ __forceinline__ void see(const Attend &a, int t, int &from, int &to, int &sequence) {
    int position = a.rows.positions[t * a.rows.positionStride];
    sequence = a.rows.sequences[t * a.rows.sequenceStride];
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
    from = (int)max(0LL, (i64)position - window + 1);
    to = (int)max(0LL, min(end, (i64)position + window));
}

// Neighbouring rows of one sequence, the positions that any of them sees, and the tiles that hold those.
struct Span {
    int end;
    int line;
    int begin;
    int stop;
    int origin;  // of the first tile
    int tiles;

    // For a whole warp.
    __device__ __forceinline__ Span(const Plan &plan, int first, int count, int box) : line(plan.line[first]) {
        int lane = threadIdx.x & 31;
        end = first;
        begin = 0x7fffffff;
        stop = 0;
        int same;
        do {
            int row = end + lane;
            u32 votes = __ballot_sync(FULL, row < count && plan.line[row & (ROWS - 1)] == line);
            same = votes == FULL ? 32 : __ffs(~votes) - 1;
            bool seen = lane < same && plan.from[row] < plan.to[row];
            begin = min(begin, __reduce_min_sync(FULL, seen ? plan.from[row] : 0x7fffffff));
            stop = max(stop, __reduce_max_sync(FULL, seen ? plan.to[row] : 0));
            end += same;
        } while (same == 32);
        origin = stop > begin ? begin & -box : 0;
        tiles = stop > begin ? (stop - origin + TILE - 1) / TILE : 0;
    }
};

// One warp brings keys and values of all tiles.
template <int E>
__device__ __forceinline__ void bringTiles(const Flash &f, Plan &plan, int count, int keyHead, u32 keys, u32 values, u32 barriers) {
    constexpr int BYTES = TILE * E * 2;
    const Attend &a = f.attend;
    int lane = threadIdx.x & 31;
    int box = 1 << f.shift;
    int boxes = TILE >> f.shift;
    int it = 0;
    for (int first = 0; first < count;) {
        Span span(plan, first, count, box);
        // A lane has a box, whose place is asked for a tile ahead.
        auto locate = [&](int tile) {
            int at = span.origin + tile * TILE + lane * box;
            return tile < span.tiles && lane < boxes && at < span.stop ? a.rows.row(span.line, at) : -1;
        };
        i64 next = locate(0);
        for (int tile = 0; tile < span.tiles; tile++, it++) {
            int stage = it & 1;
            int parity = (it >> 1 & 1) ^ 1;
            u32 fullKeys = barriers + 8 * stage;
            u32 fullValues = fullKeys + 16;
            // Positions [low, high) of the box are seen, and lie in the cache from `row` on.
            int at = span.origin + tile * TILE + lane * box;
            int low = max(span.begin - at, 0);
            int high = min(span.stop - at, box);
            i64 row = next;
            next = locate(tile + 1);
            int there = row < 0 ? 0 : (int)min((i64)high, a.rows.cacheRows - row);
            bool none = there <= low;
            bool partial = !none && (low > 0 || there < box);
            int y = none ? 0x7fffff00 : (int)row;  // zeros come from beyond the tensor
            u32 partials = __ballot_sync(FULL, lane < boxes && partial);
            waitBarrier(barriers + 32 + 8 * stage, parity);
            if (lane < boxes) plan.there[it & 3][lane] = none ? 0 : there;
            __syncwarp();
            if (lane == 0) expectBytes(fullKeys, BYTES);
            __syncwarp();
            if (lane < boxes) {
#pragma unroll
                for (int half = 0; half < E / 64; half++) {
                    copyBox(keys + stage * BYTES + half * HALF + lane * box * 128, &f.keys, keyHead * E + 64 * half, y, fullKeys);
                }
            }
            waitBarrier(barriers + 48 + 8 * stage, parity);
            // Values beside those that are seen could be anything, and would not vanish when they are multiplied by zero.
            for (u32 left = partials; left; left &= left - 1) {
                int owner = __ffs(left) - 1;
                i64 start = __shfl_sync(FULL, row, owner);
                int from = __shfl_sync(FULL, low, owner);
                int to = __shfl_sync(FULL, there, owner);
                for (int i = lane; i < box * E / 8; i += 32) {
                    int r = i / (E / 8);
                    int piece = i % (E / 8);
                    uint4 v = make_uint4(0, 0, 0, 0);
                    if (r >= from && r < to) {
                        v = *(const uint4 *)((const u16 *)a.values + (start + r) * a.valueStride + keyHead * E + piece * 8);
                    }
                    storeShared(values + stage * BYTES + piece / 8 * HALF + swizzled(owner * box + r, piece % 8), v);
                }
            }
            if (partials) showStores();
            __syncwarp();
            if (lane == 0) expectBytes(fullValues, BYTES - __popc(partials) * box * E * 2);
            __syncwarp();
            if (lane < boxes && !partial) {
#pragma unroll
                for (int half = 0; half < E / 64; half++) {
                    copyBox(values + stage * BYTES + half * HALF + lane * box * 128, &f.values, keyHead * E + 64 * half, y,
                            fullValues);
                }
            }
        }
        first = span.end;
    }
}

template <int E> struct Values;
template <> struct Values<128> {
    static __device__ __forceinline__ void add(float (&sum)[64], const u32 *weights, u64 values) {
        weigh128(sum, weights, values, true);
    }
};
template <> struct Values<64> {
    static __device__ __forceinline__ void add(float (&sum)[32], const u32 *weights, u64 values) {
        weigh64(sum, weights, values, true);
    }
};

template <int E> struct Attention {
    static constexpr int BYTES = TILE * E * 2;

    float score[TILE / 2];
    float sum[E / 2];
    u32 weight[TILE / 4];
    float largest[2];
    float total[2];
    float shrink[2];

    __device__ __forceinline__ void start() {
#pragma unroll
        for (int i = 0; i < E / 2; i++) sum[i] = 0.f;
        largest[0] = largest[1] = LOWEST;
        total[0] = total[1] = 0.f;
    }

    __device__ __forceinline__ void multiplyKeys(u32 queries, u32 keys) {
#pragma unroll
        for (int k = 0; k < E / 16; k++) {
            u32 offset = k / 4 * HALF + k % 4 * 32;
            product128(score, tileAlong(queries + offset), tileAlong(keys + offset), k > 0);
        }
        commitProducts();
    }

    __device__ __forceinline__ void multiplyValues(u32 values) {
#pragma unroll
        for (int k = 0; k < TILE / 16; k++) {
            Values<E>::add(sum, weight + 4 * k, tileAcross(values + k * 16 * 128, HALF));
        }
        commitProducts();
    }

    // Scores become softmax weights of a largest score that counts from now on.
    __device__ __forceinline__ void soften() {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float next = largest[half];
#pragma unroll
            for (int n = 0; n < TILE / 8; n++) {
                next = fmaxf(next, fmaxf(score[4 * n + 2 * half], score[4 * n + 2 * half + 1]));
            }
            next = fmaxf(next, __shfl_xor_sync(FULL, next, 1));
            next = fmaxf(next, __shfl_xor_sync(FULL, next, 2));
            shrink[half] = power2((largest[half] - next) * LOG2E);
            largest[half] = next;
            float base = next * LOG2E;
            float whole = 0.f;
#pragma unroll
            for (int n = 0; n < TILE / 8; n++) {
#pragma unroll
                for (int i = 4 * n + 2 * half; i < 4 * n + 2 * half + 2; i++) {
                    score[i] = power2(fmaf(score[i], LOG2E, -base));
                    whole += score[i];
                }
            }
            total[half] = fmaf(total[half], shrink[half], whole);
        }
    }

    // No products run.
    __device__ __forceinline__ void turn() {
#pragma unroll
        for (int n = 0; n < E / 8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) sum[4 * n + i] *= shrink[i / 2];
        }
#pragma unroll
        for (int i = 0; i < TILE / 4; i++) weight[i] = packHalf(score[2 * i], score[2 * i + 1]);
    }
};

template <int E>
__device__ __forceinline__ void attendTiles(const Flash &f, Plan &plan, int first, int count, int h, u32 queries, u32 keys, u32 values,
                                            u32 barriers) {
    constexpr int BYTES = TILE * E * 2;
    const Attend &a = f.attend;
    int lane = threadIdx.x & 31;
    int g = lane >> 2;
    int t = lane & 3;
    int group = (threadIdx.x >> 7) - 1;
    int warp = threadIdx.x >> 5 & 3;
    queries += group * 64 * 128;
#pragma unroll
    for (int k = 0; k < E / 16; k++) {
        int i = k * 128 + (threadIdx.x & 127);
        int r = i / (E / 8);
        int piece = i % (E / 8);
        uint4 v = make_uint4(0, 0, 0, 0);
        if (group * 64 + r < count) {
            const float *from = a.q + (first + group * 64 + r) * a.qStride + (i64)h * E + piece * 8;
            float4 low = *(const float4 *)from;
            float4 high = *(const float4 *)(from + 4);
            v = make_uint4(packHalf(low.x * a.scale, low.y * a.scale), packHalf(low.z * a.scale, low.w * a.scale),
                           packHalf(high.x * a.scale, high.y * a.scale), packHalf(high.z * a.scale, high.w * a.scale));
        }
        storeShared(queries + piece / 8 * HALF + swizzled(r, piece % 8), v);
    }
    showStores();
    asm volatile("bar.sync %0, 128;" ::"r"(group + 1) : "memory");

    int own = group * 64 + warp * 16;
    int ownFrom[2] = {plan.from[own + g], plan.from[own + g + 8]};
    int ownTo[2] = {plan.to[own + g], plan.to[own + g + 8]};
    int ownLine[2] = {plan.line[own + g], plan.line[own + g + 8]};
    Attention<E> attention;
    attention.start();
    int it = 0;
    auto release = [&](int which, int stage) {
        __syncwarp();
        if (lane == 0) arrive(barriers + 32 + 16 * which + 8 * stage);
    };
    auto pass = [&](int tiles) {
        for (int i = 0; i < tiles; i++, it++) {
            int stage = it & 1;
            waitBarrier(barriers + 8 * stage, it >> 1 & 1);
            release(0, stage);
            waitBarrier(barriers + 16 + 8 * stage, it >> 1 & 1);
            release(1, stage);
        }
    };
    for (int start = 0; start < count;) {
        Span span(plan, start, count, 1 << f.shift);
        // The positions that any row of the warpgroup sees, and those that all rows of the warp do.
        int least = 0x7fffffff;
        int most = 0;
        for (int r = max(start, group * 64) + lane; r < min(span.end, group * 64 + 64); r += 32) {
            if (plan.from[r] < plan.to[r]) {
                least = min(least, plan.from[r]);
                most = max(most, plan.to[r]);
            }
        }
        least = __reduce_min_sync(FULL, least);
        most = __reduce_max_sync(FULL, most);
        bool all = start <= own && span.end >= own + 16;
        int seenFrom = __reduce_max_sync(FULL, plan.from[own + (lane & 15)]);
        int seenTo = all ? __reduce_min_sync(FULL, plan.to[own + (lane & 15)]) : 0;
        int low = least < most ? (least - span.origin) / TILE : span.tiles;
        int high = least < most ? (most - span.origin + TILE - 1) / TILE : span.tiles;

        auto mask = [&](int tile) {
            int begin = span.origin + tile * TILE;
            const int *there = plan.there[it & 3];
            if (a.cap > 0.f) {
#pragma unroll
                for (int i = 0; i < TILE / 2; i++) attention.score[i] = capped(attention.score[i], a.cap);
            }
            // A bit for each position that is in the cache.
            u32 bits[TILE / 32];
            bool whole = true;
#pragma unroll
            for (int i = 0; i < TILE / 32; i++) {
                int at = 32 * i + lane;
                bits[i] = __ballot_sync(FULL, (at & (1 << f.shift) - 1) < there[at >> f.shift]);
                whole = whole && bits[i] == FULL;
            }
            if (whole && begin >= seenFrom && begin + TILE <= seenTo) {
                return;
            }
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int from = ownFrom[half] - begin - 2 * t;
                int to = ownLine[half] == span.line ? ownTo[half] - begin - 2 * t : -TILE;
#pragma unroll
                for (int n = 0; n < TILE / 8; n++) {
                    u32 part = bits[n / 4] >> 2 * t;
#pragma unroll
                    for (int i = 0; i < 2; i++) {
                        int j = 8 * n + i;
                        bool seen = j >= from && j < to && (part >> j % 32 & 1);
                        float &s = attention.score[4 * n + 2 * half + i];
                        s = seen ? s : -INFINITE;
                    }
                }
            }
        };
        pass(low);
        if (low < high) {
            waitBarrier(barriers + 8 * (it & 1), it >> 1 & 1);
            beginProducts();
            attention.multiplyKeys(queries, keys + (it & 1) * BYTES);
            waitProducts<0>();
            settle(attention.score);
            release(0, it & 1);
            mask(low);
            attention.soften();
            attention.turn();
#pragma unroll 1
            for (int tile = low + 1; tile < high; tile++) {
                int last = it & 1;
                int parity = it >> 1 & 1;
                it++;
                waitBarrier(barriers + 8 * (it & 1), it >> 1 & 1);
                beginProducts();
                attention.multiplyKeys(queries, keys + (it & 1) * BYTES);
                waitBarrier(barriers + 16 + 8 * last, parity);
                beginProducts();
                attention.multiplyValues(values + last * BYTES);
                waitProducts<1>();
                settle(attention.score);
                release(0, it & 1);
                mask(tile);
                attention.soften();
                waitProducts<0>();
                settle(attention.sum);
                release(1, last);
                attention.turn();
            }
            waitBarrier(barriers + 16 + 8 * (it & 1), it >> 1 & 1);
            beginProducts();
            attention.multiplyValues(values + (it & 1) * BYTES);
            waitProducts<0>();
            settle(attention.sum);
            release(1, it & 1);
            it++;
        }
        pass(span.tiles - high);
        start = span.end;
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float total = attention.total[half];
        total += __shfl_xor_sync(FULL, total, 1);
        total += __shfl_xor_sync(FULL, total, 2);
        float factor = total > 0.f ? 1.f / total : 0.f;
        int row = own + g + 8 * half;
        if (row < count) {
            float *out = a.out + (first + row) * a.outStride + (i64)h * E + 2 * t;
            u16 *rounded = f.rounded + ((i64)(first + row) * a.heads + h) * E + 2 * t;
#pragma unroll
            for (int n = 0; n < E / 8; n++) {
                float x = attention.sum[4 * n + 2 * half] * factor;
                float y = attention.sum[4 * n + 2 * half + 1] * factor;
                *(float2 *)(out + 8 * n) = make_float2(x, y);
                if (f.rounded) *(u32 *)(rounded + 8 * n) = packBrain(x, y);
            }
        }
    }
}

template <int E> __device__ __forceinline__ void flash(const Flash &f) {
    extern __shared__ uint4 memory[];
    __shared__ Plan plan;
    __shared__ __align__(8) u64 barriers[8];  // keys that are there, values, keys that are done with, values; two each
    u32 queries = (sharedAddress(memory) + 1023) & ~1023u;
    u32 keys = queries + ROWS * E * 2;
    u32 values = keys + 2 * TILE * E * 2;
    u32 full = sharedAddress(barriers);
    const Attend &a = f.attend;
    if (threadIdx.x == 0) {
        for (int i = 0; i < 8; i++) {
            initBarrier(full + 8 * i, i < 4 ? 1 : 8);
        }
        showBarriers();
    }
    waitForPrevious();
    letNextStart();
    int blocks = gridDim.x / a.heads;
    int h = blockIdx.x % a.heads;
    // The last rows see most: they go first.
    int first = (blocks - 1 - (int)blockIdx.x / a.heads) * ROWS;
    int count = min(ROWS, a.count - first);
    if (threadIdx.x < ROWS) {
        int from = 0, to = 0, line = -1;
        if ((int)threadIdx.x < count) {
            see(a, first + threadIdx.x, from, to, line);
        }
        plan.from[threadIdx.x] = from;
        plan.to[threadIdx.x] = to;
        plan.line[threadIdx.x] = line;
    }
    __syncthreads();
    if (threadIdx.x < 128) {
        giveRegisters<40>();
        if (threadIdx.x < 32) {
            bringTiles<E>(f, plan, count, h / (a.heads / a.keyHeads), keys, values, full);
        }
    } else {
        takeRegisters<232>();
        attendTiles<E>(f, plan, first, count, h, queries, keys, values, full);
    }
}

#define FLASH(E)                                                                                              \
    extern "C" __global__ void __launch_bounds__(384, 1) flash_##E(const __grid_constant__ Flash f) { \
        flash<E>(f);                                                                                          \
    }

FLASH(64)
FLASH(128)
#endif
