// Products of feed-forward blocks of many rows on Hopper's matrix instructions, with what follows a product done before it is written.
// x (T, K) is BF16, sums are F32:
//   gemmExperts  out (T, R) F32 = x W^T (+ bias) (+ out); W lies expert after expert: (N, R, M), K = N x M, M a multiple of 32
//   gemmNeurons  out (T, F) BF16 = activation(x G^T) * (x U^T + bias), 0 where an expert is off; W is N x (M rows of G, M of U), K columns,
//                M and the activation what stands in the name
//   gemmPlain    out (T, R) BF16 = activation(x W^T + bias), 0 where an expert, of `expertSize` neighbouring rows, is off
//
// A block makes tiles of 128 rows by 256 outputs, one after the other: a warp brings pieces of both factors, 64 columns deep, through a
// ring, two warpgroups multiply 64 rows each. The two blocks of a cluster take neighbouring rows and the same outputs: each brings
// half of that piece of the weight for both. Tiles that run at once share what they read: up to 16 in rows, as many as there are in outputs.
#if __CUDA_ARCH_FEAT_SM90_ALL
#include "bulk.cuh"
#include "wgmma.cuh"
#include "rough.cuh"

#define STAGES 4
#define TILE_ROWS 128
#define TILE_OUTPUTS 256
#define DEPTH 64
#define X_BYTES (TILE_ROWS * DEPTH * 2)
#define WEIGHT_BYTES (TILE_OUTPUTS * DEPTH * 2)
#define BOX_BYTES (64 * 128)
#define PAIRS 8  // of neighbouring tiles in rows that go before the next outputs

#define SUMS -1  // else the neurons of gated experts, or 0 for plain ones

struct Gemm {
    TensorMap x;       // boxes of 64 columns, 128 rows
    TensorMap weight;  // boxes of 64 columns, or 32 of an expert, 128 rows
    TensorMap out;     // boxes of 32 F32 or 64 BF16 columns, 64 rows
    const float *bias;
    const u8 *active;  // (T, N) or null
    int rows;
    int outputs;
    int inner;         // K
    int mode;
    int experts;
    int expertSize;    // of the weight's columns, or of its rows if plain
};

struct Tiles {
    int pairs;
    int columns;

    __device__ __forceinline__ Tiles(const Gemm &g)
        : pairs((g.rows + 2 * TILE_ROWS - 1) / (2 * TILE_ROWS)), columns((g.outputs + TILE_OUTPUTS - 1) / TILE_OUTPUTS) {}

    __device__ __forceinline__ int count() const { return pairs * columns; }

    // First row and output of this block's tile of a pair.
    __device__ __forceinline__ void locate(int index, int rank, int &row, int &output) const {
        int group = index / (PAIRS * columns);
        int size = min(PAIRS, pairs - group * PAIRS);
        int rest = index - group * PAIRS * columns;
        row = (2 * (group * PAIRS + rest % size) + rank) * TILE_ROWS;
        output = rest / size * TILE_OUTPUTS;
    }
};

// Where a warpgroup leaves what is to be written: two boxes of 64 rows of 128 bytes.
struct Staging {
    u32 at;
    int barrier;
    bool first;  // thread of the warpgroup

    __device__ __forceinline__ void sync() const { asm volatile("bar.sync %0, 128;" ::"r"(barrier) : "memory"); }

    // Until the box may be overwritten; `left` of those under way may still be read.
    template <int LEFT> __device__ __forceinline__ void await() const {
        if (first) waitStores<LEFT>();
        sync();
    }

    // All threads have filled their part of what `write` writes.
    template <class Write> __device__ __forceinline__ void flush(Write write) const {
        showStores();
        sync();
        if (first) {
            write();
            commitStores();
        }
    }
};

// Byte of a piece of 16 of a row of such a box.
__device__ __forceinline__ u32 boxAt(u32 box, int row, int piece, int byte) { return box + row * 128 + ((piece ^ (row & 7)) << 4) + byte; }

// 32 columns at a time.
__device__ __forceinline__ void finishSums(const Gemm &g, float (&c)[128], const Staging &staging, int row, int own, int output, int t) {
#pragma unroll
    for (int k = 0; k < 8; k++) {
        u32 box = staging.at + k % 2 * BOX_BYTES;
        staging.await<1>();
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int column = output + 32 * k + 8 * j + 2 * t;
            float *p = c + 4 * (4 * k + j);
            if (g.bias) {
                float first = column < g.outputs ? g.bias[column] : 0.0f;
                float second = column + 1 < g.outputs ? g.bias[column + 1] : 0.0f;
                p[0] += first;
                p[1] += second;
                p[2] += first;
                p[3] += second;
            }
#pragma unroll
            for (int half = 0; half < 2; half++) {
                storeShared(boxAt(box, own + 8 * half, 2 * j + t / 2, t % 2 * 8), p[2 * half], p[2 * half + 1]);
            }
        }
        staging.flush([&]() {
            if (g.mode & ADD) {
                addBox(&g.out, output + 32 * k, row, box);
            } else {
                storeBox(&g.out, output + 32 * k, row, box);
            }
        });
    }
}

// 64 neurons at a time; gated ones of experts of M, or plain ones if M is 0.
template <int M, int KIND>
__device__ __forceinline__ void finishNeurons(const Gemm &g, float (&c)[128], const Staging &staging, int row, int own, int output,
                                              int t) {
    constexpr int PER = M ? 2 : 1;
    constexpr int NEXT = M ? M / 8 : 1;  // from gates to ups, in 8 columns
    int first = output / PER;
    int neurons = g.outputs / PER;
#pragma unroll
    for (int k = 0; k < 4 / PER; k++) {
        u32 box = staging.at + k % 2 * BOX_BYTES;
        staging.await<1>();
#pragma unroll
        for (int j = 0; j < 8; j++) {
            int eighth = 8 * k + j;
            int at = 4 * (M ? eighth / NEXT * 2 * NEXT + eighth % NEXT : eighth);
            int column = first + 64 * k + 8 * j + 2 * t;
            float bias[2] = {0.0f, 0.0f};
            if (g.bias) {
                bias[0] = column < neurons ? g.bias[column] : 0.0f;
                bias[1] = column + 1 < neurons ? g.bias[column + 1] : 0.0f;
            }
            const u8 *active = g.active && column < neurons ? g.active + column / g.expertSize : 0;
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float h[2];
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    float u = c[at + 2 * half + i + (M ? 4 * NEXT : 0)] + bias[i];
                    h[i] = M ? roughActivation(KIND, c[at + 2 * half + i]) * u : roughActivation(KIND, u);
                }
                int r = own + 8 * half;
                bool on = !active || row + r >= g.rows || active[(i64)(row + r) * g.experts];
                storeShared(boxAt(box, r, j, 4 * t), on ? packBrain(h[0], h[1]) : 0);
            }
        }
        staging.flush([&]() { storeBox(&g.out, first + 64 * k, row, box); });
    }
}

template <int EPILOGUE, int KIND, bool EXPERTS> __device__ __forceinline__ void gemm(const Gemm &g) {
    extern __shared__ uint4 memory[];
    __shared__ __align__(8) u64 barriers[2 * STAGES];
    u32 base = (sharedAddress(memory) + 1023) & ~1023u;
    u32 full = sharedAddress(barriers);
    u32 empty = full + 8 * STAGES;
    int group = threadIdx.x >> 7;
    u32 rank = rankInCluster();
    if (threadIdx.x == 0) {
        for (int i = 0; i < STAGES; i++) {
            initBarrier(full + 8 * i, 1);
            initBarrier(empty + 8 * i, 2 * 8);  // the warps that multiply, of both blocks
        }
        showBarriers();
    }
    syncCluster();
    waitForPrevious();
    letNextStart();
    Tiles tiles(g);
    int depths = (g.inner + DEPTH - 1) / DEPTH;
    int stage = 0;
    int parity = 0;
    if (group == 0) {
        giveRegisters<24>();
        if (threadIdx.x == 0) {
            for (int index = blockIdx.x >> 1; index < tiles.count(); index += gridDim.x >> 1) {
                int row, output;
                tiles.locate(index, rank, row, output);
                output += rank * (TILE_OUTPUTS / 2);
                for (int depth = 0; depth < depths; depth++) {
                    u32 x = base + stage * (X_BYTES + WEIGHT_BYTES);
                    u32 weight = x + X_BYTES + rank * (TILE_OUTPUTS / 2) * (EXPERTS ? 64 : 128);
                    u32 barrier = full + 8 * stage;
                    waitBarrier(empty + 8 * stage, parity ^ 1);
                    expectBytes(barrier, X_BYTES + WEIGHT_BYTES);
                    int column = depth * DEPTH;
                    copyBox(x, &g.x, column, row, barrier);
                    if (EXPERTS) {
#pragma unroll
                        for (int i = 0; i < 2; i++) {
                            int expert = (column + 32 * i) / g.expertSize;
                            shareBox(weight + i * (WEIGHT_BYTES / 2), &g.weight, column + 32 * i - expert * g.expertSize, output,
                                     expert, barrier, 3);
                        }
                    } else {
                        shareBox(weight, &g.weight, column, output, barrier, 3);
                    }
                    if (++stage == STAGES) {
                        stage = 0;
                        parity ^= 1;
                    }
                }
            }
        }
    } else {
        takeRegisters<240>();
        int lane = threadIdx.x & 31;
        int own = (group - 1) * 64;
        int part = (threadIdx.x >> 5 & 3) * 16 + (lane >> 2);
        Staging staging = {base + STAGES * (X_BYTES + WEIGHT_BYTES) + (group - 1) * 2 * BOX_BYTES, group, (threadIdx.x & 127) == 0};
        // Lane 0 of a warp tells this block, lane 1 the other.
        auto release = [&](int which) {
            if (lane < 2) {
                arriveAt(empty + 8 * which, lane);
            }
        };
        for (int index = blockIdx.x >> 1; index < tiles.count(); index += gridDim.x >> 1) {
            float c[128];
            int before = -1;
#pragma unroll 1
            for (int depth = 0; depth < depths; depth++) {
                u32 x = base + stage * (X_BYTES + WEIGHT_BYTES) + own * DEPTH * 2;
                u32 weight = base + stage * (X_BYTES + WEIGHT_BYTES) + X_BYTES;
                waitBarrier(full + 8 * stage, parity);
                beginProducts();
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    product256(c, tileAlong(x + 32 * k),
                               EXPERTS ? halfTileAlong(weight + k / 2 * (WEIGHT_BYTES / 2) + k % 2 * 32) : tileAlong(weight + 32 * k),
                               depth + k > 0);
                }
                commitProducts();
                waitProducts<1>();
                if (before >= 0) release(before);
                before = stage;
                if (++stage == STAGES) {
                    stage = 0;
                    parity ^= 1;
                }
            }
            waitProducts<0>();
            release(before);
            settle(c);
            int row, output;
            tiles.locate(index, rank, row, output);
            if (EPILOGUE == SUMS) {
                finishSums(g, c, staging, row + own, part, output, lane & 3);
            } else {
                finishNeurons<EPILOGUE, KIND>(g, c, staging, row + own, part, output, lane & 3);
            }
        }
        if (staging.first) finishStores();
    }
    // The other block must not write into this one when it has ended.
    syncCluster();
}

#define GEMM(NAME, EPILOGUE, KIND, EXPERTS)                                                                         \
    extern "C" __global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(384, 1) NAME(const __grid_constant__ Gemm g) { \
        gemm<EPILOGUE, KIND, EXPERTS>(g);                                                                           \
    }
#define NEURONS(M) GEMM(gemmNeurons_##M##_SILU, M, SILU, false) GEMM(gemmNeurons_##M##_GELU_TANH, M, GELU_TANH, false)

GEMM(gemmExperts, SUMS, 0, true)
NEURONS(16)
NEURONS(32)
NEURONS(64)
NEURONS(128)
GEMM(gemmPlain_GELU, 0, GELU, false)
GEMM(gemmPlain_GELU_TANH, 0, GELU_TANH, false)
GEMM(gemmPlain_RELU, 0, RELU, false)
#endif
