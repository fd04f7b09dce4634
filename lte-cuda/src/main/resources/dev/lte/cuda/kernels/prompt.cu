// Attention of many rows over a cache on matrix instructions: a block takes 64 rows of one head, a warp 16 of them, and goes through
// tiles of 64 positions with a running softmax. The cache's type is WEIGHT, F16 or BF16. Shapes as in attention.cu.
//
// Queries (times the scale) and softmax weights are rounded as the cache is if it is F16, and two terms each if it is BF16, so that
// products err by at most 2^-11 of their size; sums are F32. Rows of several sequences may share a block: it goes through one sequence after the other.
#if __CUDA_ARCH__ >= 800
#include "attend.cuh"
#include "fragments.cuh"

#define ROWS 64
#define TILE 64
#define TERMS (WEIGHT == F16 ? 1 : 2)

#define LOG2E 1.4426950408889634f

// 2^x, to 22 bits.
__device__ __forceinline__ float power2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// The positions [from, to) of the sequence that row t sees.
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

// NE: columns of a head in groups of 16; the columns beyond E count as zeros.
template <int NE>
struct Memory {
    static constexpr int PITCH = NE * 16 + 8;  // one more piece of 16 bytes, so that ldmatrix meets all banks
    u16 keys[2][TILE][PITCH];
    u16 values[2][TILE][PITCH];
    i64 rows[4][TILE];
    int whole[4][TILE / 32];  // whether all of 32 rows are there
    int from[ROWS];
    int to[ROWS];
    int line[ROWS];  // what tells sequences apart
};

template <int NE>
__device__ __forceinline__ void attendMany(const Attend &a) {
    extern __shared__ uint4 shared[];
    typedef Memory<NE> M;
    M& m = *(M*)shared;
    constexpr int PIECES = NE * 2;
    constexpr int EACH = 128 / (NE == 6 ? 16 : PIECES);  // rows that the block brings at once
    waitForPrevious();
    letNextStart();
    int blocks = gridDim.x / a.heads;
    int h = blockIdx.x % a.heads;
    // The last rows see most: they go first.
    int first = (blocks - 1 - (int)blockIdx.x / a.heads) * ROWS;
    int keyHead = h / (a.heads / a.keyHeads);
    int count = min(ROWS, a.count - first);
    int warp = threadIdx.x / 32;
    int lane = threadIdx.x % 32;
    int g = lane / 4;
    int t = lane % 4;
    if (threadIdx.x < ROWS) {
        int from = 0, to = 0, line = -1;
        if ((int)threadIdx.x < count) {
            see(a, first + threadIdx.x, from, to, line);
        }
        m.from[threadIdx.x] = from;
        m.to[threadIdx.x] = to;
        m.line[threadIdx.x] = line;
    }
    u32 q[TERMS][NE][4];
#pragma unroll
    for (int k = 0; k < NE; k++) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int row = warp * 16 + g + i % 2 * 8;
            int e = k * 16 + i / 2 * 8 + 2 * t;
            const float* from = a.q + (first + row) * a.qStride + (i64)h * a.headSize + e;
            float x0 = row < count && e < a.headSize ? from[0] * a.scale : 0.f;
            float x1 = row < count && e + 1 < a.headSize ? from[1] * a.scale : 0.f;
            if (TERMS == 2) {
                splitPair<WEIGHT>(x0, x1, q[0][k][i], q[TERMS - 1][k][i]);
            } else {
                q[0][k][i] = packPair<WEIGHT>(x0, x1);
            }
        }
    }
    float sum[2 * NE][4];
#pragma unroll
    for (int n = 0; n < 2 * NE; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) sum[n][i] = 0.f;
    }
    float largest[2] = {LOWEST, LOWEST};
    float total[2] = {0.f, 0.f};
    __syncthreads();
    int ownFrom[2] = {m.from[warp * 16 + g], m.from[warp * 16 + g + 8]};
    int ownTo[2] = {m.to[warp * 16 + g], m.to[warp * 16 + g + 8]};
    int ownLine[2] = {m.line[warp * 16 + g], m.line[warp * 16 + g + 8]};

    int piece = threadIdx.x % (128 / EACH);
    int own = threadIdx.x / (128 / EACH);
    int column = keyHead * a.headSize + (8 * piece < a.headSize ? 8 * piece : 0);
    const u16* keysFrom = (const u16*)a.keys + column;
    const u16* valuesFrom = (const u16*)a.values + column;
    u32 keysTo = sharedAddress(&m.keys[0][own][8 * piece]);
    u32 valuesTo = sharedAddress(&m.values[0][own][8 * piece]);

    for (int r0 = 0; r0 < count;) {
        int line = m.line[r0];
        int r1 = r0;
        int begin = 0x7fffffff;
        int end = 0;
        while (r1 < count && m.line[r1] == line) {
            if (m.from[r1] < m.to[r1]) {
                begin = min(begin, m.from[r1]);
                end = max(end, m.to[r1]);
            }
            r1++;
        }
        // Whether the warp has rows of this sequence, and the positions that all of its rows see.
        bool mine = r0 < warp * 16 + 16 && r1 > warp * 16;
        int all = r0 <= warp * 16 && r1 >= warp * 16 + 16;
        int seenFrom = 0;
        int seenTo = all && a.cap <= 0.f ? 0x7fffffff : 0;
        int mostTo = 0;
        for (int i = 0; i < 16; i++) {
            seenFrom = max(seenFrom, m.from[warp * 16 + i]);
            seenTo = min(seenTo, m.to[warp * 16 + i]);
            mostTo = max(mostTo, m.to[warp * 16 + i]);
        }

        int tiles = end > begin ? (end - begin + TILE - 1) / TILE : 0;
        auto locate = [&](int tile) {
            if (threadIdx.x < TILE && tile < tiles) {
                int position = begin + tile * TILE + threadIdx.x;
                i64 row = position < end ? a.rows.row(line, position) : -1;
                m.rows[tile % 4][threadIdx.x] = row;
                bool whole = __all_sync(FULL, row >= 0);
                if (lane == 0) m.whole[tile % 4][warp] = whole;
            }
        };
        // A thread brings one piece of every EACHth row.
        auto fetch = [&](int tile) {
            if (tile < tiles && piece < PIECES) {
#pragma unroll
                for (int j = 0; j < TILE; j += EACH) {
                    i64 row = m.rows[tile % 4][j + own];
                    bool there = row >= 0 && 8 * piece < a.headSize;
                    i64 safe = there ? row : 0;
                    copy16(keysTo + (tile % 2 * TILE + j) * 2 * M::PITCH, keysFrom + safe * a.keyStride, there);
                    copy16(valuesTo + (tile % 2 * TILE + j) * 2 * M::PITCH, valuesFrom + safe * a.valueStride, there);
                }
            }
            commitCopies();
        };
        locate(0);
        __syncthreads();
        fetch(0);
        locate(1);
#pragma unroll 1
        for (int tile = 0; tile < tiles; tile++) {
            waitCopies<0>();
            __syncthreads();
            fetch(tile + 1);
            locate(tile + 2);
            int first = begin + tile * TILE;
            bool whole = first >= seenFrom && first + TILE <= seenTo && m.whole[tile % 4][0] && m.whole[tile % 4][1];
            int now = tile % 2;
            if (mine && first < mostTo) {
                float score[TILE / 8][4];
#pragma unroll
                for (int n = 0; n < TILE / 8; n++) {
#pragma unroll
                    for (int i = 0; i < 4; i++) score[n][i] = 0.f;
                }
#pragma unroll
                for (int n = 0; n < TILE / 16; n++) {
                    u32 address = sharedAddress(&m.keys[now][n * 16 + lane / 16 * 8 + lane % 8][lane / 8 % 2 * 8]);
#pragma unroll
                    for (int k = 0; k < NE; k++) {
                        u32 b[4];
                        loadMatrices(b, address + k * 32);
                        multiplyAdd<WEIGHT>(score[2 * n], q[0][k], b[0], b[1]);
                        multiplyAdd<WEIGHT>(score[2 * n + 1], q[0][k], b[2], b[3]);
                        if (TERMS == 2) {
                            multiplyAdd<WEIGHT>(score[2 * n], q[TERMS - 1][k], b[0], b[1]);
                            multiplyAdd<WEIGHT>(score[2 * n + 1], q[TERMS - 1][k], b[2], b[3]);
                        }
                    }
                }
                if (!whole) {
#pragma unroll
                    for (int n = 0; n < TILE / 8; n++) {
#pragma unroll
                        for (int i = 0; i < 4; i++) {
                            int j = n * 8 + 2 * t + i % 2;
                            int half = i / 2;
                            bool seen = first + j >= ownFrom[half] && first + j < ownTo[half] && ownLine[half] == line
                                    && m.rows[tile % 4][j] >= 0;
                            float s = score[n][i];
                            if (a.cap > 0.f) s = a.cap * tanhf(s / a.cap);
                            score[n][i] = seen ? s : -INFINITE;
                        }
                    }
                }
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    float next = largest[half];
#pragma unroll
                    for (int n = 0; n < TILE / 8; n++) {
                        next = fmaxf(next, fmaxf(score[n][2 * half], score[n][2 * half + 1]));
                    }
                    next = fmaxf(next, __shfl_xor_sync(FULL, next, 1));
                    next = fmaxf(next, __shfl_xor_sync(FULL, next, 2));
                    float shrink = power2((largest[half] - next) * LOG2E);
                    largest[half] = next;
                    total[half] *= shrink;
#pragma unroll
                    for (int n = 0; n < 2 * NE; n++) {
                        sum[n][2 * half] *= shrink;
                        sum[n][2 * half + 1] *= shrink;
                    }
                    float base = next * LOG2E;
#pragma unroll
                    for (int n = 0; n < TILE / 8; n++) {
#pragma unroll
                        for (int i = 2 * half; i < 2 * half + 2; i++) {
                            score[n][i] = power2(fmaf(score[n][i], LOG2E, -base));
                            total[half] += score[n][i];
                        }
                    }
                }
#pragma unroll
                for (int k = 0; k < TILE / 16; k++) {
                    u32 high[4], low[4];
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const float* w = &score[2 * k + i / 2][i % 2 * 2];
                        if (TERMS == 2) {
                            splitPair<WEIGHT>(w[0], w[1], high[i], low[i]);
                        } else {
                            high[i] = packPair<WEIGHT>(w[0], w[1]);
                        }
                    }
                    u32 address = sharedAddress(&m.values[now][k * 16 + lane % 16][lane / 16 * 8]);
#pragma unroll
                    for (int n = 0; n < NE; n++) {
                        u32 b[4];
                        loadMatricesTransposed(b, address + n * 32);
                        multiplyAdd<WEIGHT>(sum[2 * n], high, b[0], b[1]);
                        multiplyAdd<WEIGHT>(sum[2 * n + 1], high, b[2], b[3]);
                        if (TERMS == 2) {
                            multiplyAdd<WEIGHT>(sum[2 * n], low, b[0], b[1]);
                            multiplyAdd<WEIGHT>(sum[2 * n + 1], low, b[2], b[3]);
                        }
                    }
                }
            }
        }
        waitCopies<0>();
        __syncthreads();
        r0 = r1;
    }
#pragma unroll
    for (int half = 0; half < 2; half++) {
        total[half] += __shfl_xor_sync(FULL, total[half], 1);
        total[half] += __shfl_xor_sync(FULL, total[half], 2);
        float factor = total[half] > 0.f ? 1.f / total[half] : 0.f;
        int row = warp * 16 + g + 8 * half;
        if (row < count) {
            float* out = a.out + (first + row) * a.outStride + (i64)h * a.headSize;
#pragma unroll
            for (int n = 0; n < 2 * NE; n++) {
                int e = n * 8 + 2 * t;
                if (e < a.headSize) out[e] = sum[n][2 * half] * factor;
                if (e + 1 < a.headSize) out[e + 1] = sum[n][2 * half + 1] * factor;
            }
        }
    }
}

#define NAME(A, B, C) A##_##B##_##C
#define MANY(TYPE, NE)                                                                                              \
    extern "C" __global__ void __launch_bounds__(128, TERMS == 1 ? 3 : 2) NAME(attendMany, TYPE, NE)(const __grid_constant__ Attend a) { \
        attendMany<NE>(a);                                                                                          \
    }
#define MANIES(TYPE) MANY(TYPE, 2) MANY(TYPE, 4) MANY(TYPE, 6) MANY(TYPE, 8)

MANIES(WEIGHT)
#endif
