// What stands around cuBLAS in passes over many rows: conversions to BF16, the neurons between its products, what follows them;
// and the down projection of up to 64 rows, whose weight lies expert after expert.
#include "fragments.cuh"
#include "rough.cuh"

// to (T, pitch) BF16 = from (T, C) F32, zeros beyond the columns.
extern "C" __global__ void roundRows(u16 *to, i64 pitch, const float *from, i64 stride, int rows, int columns) {
#if __CUDA_ARCH__ >= 800
    if (columns % 8 == 0 && stride % 4 == 0 && (u64)from % 16 == 0) {
        for (int t = blockIdx.y; t < rows; t += gridDim.y) {
            for (int i = 8 * (blockIdx.x * blockDim.x + threadIdx.x); i < columns; i += 8 * gridDim.x * blockDim.x) {
                float x[8];
                loadAligned<8>(from + t * stride + i, x);
                *(uint4 *)(to + t * pitch + i) = make_uint4(packPair<BF16>(x[0], x[1]), packPair<BF16>(x[2], x[3]),
                                                            packPair<BF16>(x[4], x[5]), packPair<BF16>(x[6], x[7]));
            }
        }
        return;
    }
#endif
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        for (int i = 2 * (blockIdx.x * blockDim.x + threadIdx.x); i < pitch; i += 2 * gridDim.x * blockDim.x) {
            float first = i < columns ? from[t * stride + i] : 0.0f;
            float second = i + 1 < columns ? from[t * stride + i + 1] : 0.0f;
            *(u32 *)(to + t * pitch + i) = (u32)floatToBrain(second) << 16 | floatToBrain(first);
        }
    }
}

// to (R, pitch) BF16 = rows of a weight of any type from `first` on. `outputs`: 0, or D of a down projection that lies expert
// after expert with `expertSize` elements a row: element (d, f) is (f / M x D + d, f % M).
extern "C" __global__ void decodeRows(u16 *to, i64 pitch, const u8 *weight, const u16 *scales, i64 stride, int type, i64 first,
                                      int rows, int columns, int outputs, int expertSize) {
    int width = outputs ? expertSize : columns;
    for (int r = blockIdx.y; r < rows; r += gridDim.y) {
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            i64 row = first + r;
            int column = i;
            if (outputs) {
                int g = i / expertSize;
                row += (i64)g * outputs;
                column = i - g * expertSize;
            }
            const u8 *from = weight + row * stride;
            to[r * pitch + i] = type == BF16 ? ((const u16 *)from)[column]
                                             : floatToBrain(element(type, from, scales + row * (width >> 5), column));
        }
    }
}

// to (D, pitch) BF16 = a BF16 down projection that lies expert after expert, M a multiple of 8. A block moves 32 rows of `each`
// experts, so that it reads long pieces and writes long ones.
extern "C" __global__ void joinExperts(u16 *to, i64 pitch, const u8 *weight, i64 stride, int outputs, int columns,
                                       int expertSize, int each) {
    int pieces = expertSize / 8;
    int g0 = blockIdx.x * each;
    int g1 = min(g0 + each, columns / expertSize);
    int first = blockIdx.y * 32;
    int rows = min(32, outputs - first);
    for (int i = threadIdx.x; i < (g1 - g0) * 32 * pieces; i += blockDim.x) {
        int piece = i % pieces;
        int r = i / pieces % 32;
        int g = g0 + i / pieces / 32;
        if (r < rows) {
            const u8 *from = weight + ((i64)g * outputs + first + r) * stride + 16 * piece;
            *(uint4 *)(to + (first + r) * pitch + g * expertSize + 8 * piece) = stream16(from);
        }
    }
}

// active[t][g] = 1 where row t wants expert g. A block per row; experts that do not exist are left out.
extern "C" __global__ void markExperts(u8 *active, const int *experts, i64 expertStride, const int *counts, i64 countStride,
                                       int n) {
    i64 t = blockIdx.x;
    for (int g = threadIdx.x; g < n; g += blockDim.x) {
        active[t * n + g] = 0;
    }
    __syncthreads();
    int count = min(counts[t * countStride], n);
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        int g = experts[t * expertStride + i];
        if (g >= 0 && g < n) {
            active[t * n + g] = 1;
        }
    }
}

// hidden (T, F) BF16 from products (T, F or 2F) BF16, which lie as the rows of the weight: expert after expert, gate then up; 0
// where an expert is off. active (T, N) or null. A thread does 8 neurons, which divide M, or one.
template <int EACH>
__device__ __forceinline__ void neurons(u16 *hidden, const u16 *products, const float *bias, const u8 *active, int rows,
                                        int width, int expertSize, int experts, int gated, int kind) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        for (int i = EACH * (blockIdx.x * blockDim.x + threadIdx.x); i < width; i += EACH * gridDim.x * blockDim.x) {
            int g = i / expertSize;
            union {
                u16 each[EACH];
                uint4 all;
            } gate, up, h;
            const u16 *from = products + ((i64)t * width + g * expertSize) * (gated ? 2 : 1) + i - g * expertSize;
            bool on = !active || active[(i64)t * experts + g];
            if (on) {
                if (EACH == 8) {
                    gate.all = *(const uint4 *)from;
                    up.all = *(const uint4 *)(from + (gated ? expertSize : 0));
                } else {
                    gate.each[0] = from[0];
                    up.each[0] = from[gated ? expertSize : 0];
                }
            }
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                float u = brainToFloat(up.each[j]) + (bias ? bias[i + j] : 0.0f);
                float value = gated ? roughActivation(kind, brainToFloat(gate.each[j])) * u : roughActivation(kind, u);
                h.each[j] = on ? floatToBrain(value) : 0;
            }
            if (EACH == 8) {
                *(uint4 *)(hidden + (i64)t * width + i) = h.all;
            } else {
                hidden[(i64)t * width + i] = h.each[0];
            }
        }
    }
}

#define NEURONS(EACH)                                                                                                    \
    extern "C" __global__ void neurons_##EACH(u16 *hidden, const u16 *products, const float *bias, const u8 *active,     \
                                              int rows, int width, int expertSize, int experts, int gated, int kind) {   \
        neurons<EACH>(hidden, products, bias, active, rows, width, expertSize, experts, gated, kind);                    \
    }

NEURONS(1)
NEURONS(8)

// out (T, R) F32: + bias, then its sigmoid, as mode says.
extern "C" __global__ void finishRows(float *out, i64 stride, const float *bias, int rows, int columns, int mode) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            float value = out[t * stride + i] + (bias ? bias[i] : 0.0f);
            out[t * stride + i] = mode & SIGMOID ? sigmoid(value) : value;
        }
    }
}

#if __CUDA_ARCH__ >= 800
// y[t][d] = sum over f of weight[f / M][d][f % M] x hidden[t][f] (+ bias) (+ y), weight and hidden (T, F) BF16, M a multiple of 32,
// T at most 8 x NT. A block owns 32 outputs; its 8 warps take every eighth 32 neurons, and their sums are added in order.
// The order of the 32 within a product is that in which a lane loads them, 8 at a time.
template <int NT>
__device__ __forceinline__ void downMany(float *y, i64 yStride, const u16 *hidden, const u8 *weight, i64 stride,
                                         const float *bias, int rows, int model, int width, int expertSize, int mode) {
    __shared__ float sums[8][32][9];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    int g = lane >> 2;
    int t = lane & 3;
    int first = blockIdx.x * 32;
    int pieces = width / 32;
    float sum[2][NT][4] = {};
    uint4 a[2][4], b[NT];
    auto fetch = [&](int piece, uint4 (&to)[4]) {
        if (piece < pieces) {
            int e = piece * 32 / expertSize;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int d = min(first + g + 8 * i, model - 1);
                to[i] = stream16(weight + ((i64)e * model + d) * stride + (piece * 32 - e * expertSize + 8 * t) * 2);
            }
        }
    };
    fetch(warp, a[0]);
    for (int start = warp; start < pieces; start += 16) {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int piece = start + 8 * half;
            if (piece < pieces) {
#pragma unroll
                for (int n = 0; n < NT; n++) {
                    int row = min(n * 8 + g, rows - 1);
                    b[n] = *(const uint4 *)(hidden + (i64)row * width + piece * 32 + 8 * t);
                }
                fetch(piece + 8, a[1 - half]);
#pragma unroll
                for (int m = 0; m < 2; m++) {
                    uint4 top = a[half][2 * m], bottom = a[half][2 * m + 1];
                    u32 low[4] = {top.x, bottom.x, top.y, bottom.y};
                    u32 high[4] = {top.z, bottom.z, top.w, bottom.w};
#pragma unroll
                    for (int n = 0; n < NT; n++) {
                        multiplyAdd<BF16>(sum[m][n], low, b[n].x, b[n].y);
                        multiplyAdd<BF16>(sum[m][n], high, b[n].z, b[n].w);
                    }
                }
            }
        }
    }
#pragma unroll
    for (int n = 0; n < NT; n++) {
#pragma unroll
        for (int m = 0; m < 2; m++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                sums[warp][m * 16 + g + i / 2 * 8][2 * t + i % 2] = sum[m][n][i];
            }
        }
        __syncthreads();
        int d = threadIdx.x & 31;
        int row = n * 8 + (threadIdx.x >> 5);
        if (first + d < model && row < rows) {
            float value = bias ? bias[first + d] : 0.0f;
            for (int w = 0; w < 8; w++) {
                value += sums[w][d][threadIdx.x >> 5];
            }
            float *to = y + row * yStride + first + d;
            *to = mode & ADD ? *to + value : value;
        }
        __syncthreads();
    }
}

#define DOWN_MANY(NT)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) downMany_##NT(                                                      \
        float *y, i64 yStride, const u16 *hidden, const u8 *weight, i64 stride, const float *bias, int rows, int model,   \
        int width, int expertSize, int mode) {                                                                            \
        downMany<NT>(y, yStride, hidden, weight, stride, bias, rows, model, width, expertSize, mode);                     \
    }

DOWN_MANY(1)
DOWN_MANY(2)
DOWN_MANY(4)
DOWN_MANY(8)
#endif
