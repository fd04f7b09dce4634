// A routed feed-forward block, LTE equation 2. y and x (T, D) F32, sums in F32, T at most 32 a call.
// Inner weights: expert after expert, M gate rows, then M up rows, each of D columns. Outer weights: expert after expert,
// D rows of M columns. Rows are padded with zeros to whole chunks; Mp is M so padded. hidden (T, N x Mp) F32.
// Without masks every expert runs for every row.

// hidden[t][g x Mp + m] = act(gate[g][m] . x[t]) * (up[g][m] . x[t] + upBias), or act(up + upBias) without a gate. A warp per
// neuron of an active expert; rows that do not want the expert are neither computed nor written.
template <int TYPE, bool GATED>
__device__ __forceinline__ void inner(float *hidden, i64 hiddenStride, const float *x, i64 xStride, const u8 *weight,
                                      const u16 *scales, i64 stride, const float *upBias, const u32 *masks, const int *list,
                                      const int *sizes, int rows, int model, int expertSize, int padded, int experts,
                                      int kind, bool aligned) {
    const int SIZE = Chunk<TYPE>::SIZE;
    const int ROWS = 4;
    int lane = threadIdx.x & 31;
    int neuron = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5);
    int place = neuron / padded;
    int m = neuron - place * padded;
    if (place >= (sizes ? sizes[0] : experts)) {
        return;
    }
    int g = list ? list[place] : place;
    u32 wanted = masks ? masks[g] : rows == 32 ? FULL : (1u << rows) - 1;
    float *to = hidden + (i64)g * padded + m;
    if (m >= expertSize) {
        if (lane < rows) {
            to[lane * hiddenStride] = 0.0f;
        }
        return;
    }
    i64 upRow = (i64)g * expertSize * (GATED ? 2 : 1) + (GATED ? expertSize : 0) + m;
    i64 gateRow = upRow - expertSize;
    const u8 *up = weight + upRow * stride;
    const u8 *gate = weight + gateRow * stride;
    const u16 *upScales = scales + upRow * (model >> 5);
    const u16 *gateScales = scales + gateRow * (model >> 5);
    int chunks = (model + SIZE - 1) / SIZE;
    while (wanted) {
        int row[ROWS];
        int taken = 0;
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
            row[t] = wanted ? __ffs(wanted) - 1 : row[0];
            taken += wanted != 0;
            wanted &= wanted - 1;
        }
        float ups[ROWS] = {};
        float gates[ROWS] = {};
#pragma unroll(SIZE == 32 ? 2 : 4)
        for (int c = lane; c < chunks; c += 32) {
            float w[2][SIZE];
            uint4 rawUp = stream16(up + 16LL * c);
            uint4 rawGate = GATED ? stream16(gate + 16LL * c) : rawUp;
            float upScale = chunkScale<TYPE>(upScales, c);
            float gateScale = GATED ? chunkScale<TYPE>(gateScales, c) : 1.0f;
            decode<TYPE>(rawUp, w[0]);
            if (GATED) {
                decode<TYPE>(rawGate, w[1]);
            }
#pragma unroll
            for (int t = 0; t < ROWS; t++) {
                if (t < taken) {
                    float input[SIZE];
                    if (aligned) {
                        loadAligned<SIZE>(x + row[t] * xStride + c * SIZE, input);
                    } else {
                        loadGuarded<SIZE>(x + row[t] * xStride + c * SIZE, model - c * SIZE, input);
                    }
                    ups[t] = chunkDot<TYPE>(w[0], upScale, input, ups[t]);
                    if (GATED) {
                        gates[t] = chunkDot<TYPE>(w[1], gateScale, input, gates[t]);
                    }
                }
            }
        }
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
            float u = warpSum(ups[t]) + (upBias ? upBias[g * expertSize + m] : 0.0f);
            float a = GATED ? activation(kind, warpSum(gates[t])) * u : activation(kind, u);
            if (lane == 0 && t < taken) {
                to[row[t] * hiddenStride] = a;
            }
        }
    }
}

// y[t][d] = sum over the experts that row t wants of outer[g][d] . hidden[t][g] (+ downBias) (+ y). `lanes` lanes share a d; the
// 8 warps of a block take the experts g with g % 8 == warp in ascending order, and their sums are added in order.
template <int TYPE, int ROWS>
__device__ __forceinline__ void outer(float *y, i64 yStride, const float *hidden, i64 hiddenStride, const u8 *weight,
                                      const u16 *scales, i64 stride, const float *downBias, const u32 *masks,
                                      const int *buckets, const int *sizes, int rows, int model, int padded, int experts,
                                      int lanes, int mode) {
    const int SIZE = Chunk<TYPE>::SIZE;
    __shared__ float shared[8][ROWS][32];
    int lane = threadIdx.x & 31;
    int warp = threadIdx.x >> 5;
    int part = lane & (lanes - 1);
    int perWarp = 32 / lanes;
    int d = blockIdx.x * perWarp + lane / lanes;
    int capacity = (experts + 7) / 8;
    int count = sizes ? sizes[1 + warp] : (experts - warp + 7) / 8;
    const int *bucket = buckets ? buckets + warp * capacity : 0;
    int chunks = padded / SIZE;
    bool inside = d < model;
    i64 dRow = inside ? d : model - 1;
    for (int t0 = 0; t0 < rows; t0 += ROWS) {
        float sums[ROWS] = {};
#pragma unroll 4
        for (int i = 0; i < count; i++) {
            int g = bucket ? bucket[i] : warp + 8 * i;
            u32 wanted = (masks ? masks[g] : FULL) >> t0;
            if (ROWS > 1 && !(wanted & ((1u << ROWS) - 1))) {
                continue;
            }
            i64 weightRow = (i64)g * model + dRow;
            for (int c = part; c < chunks; c += lanes) {
                float w[SIZE];
                uint4 raw = stream16(weight + weightRow * stride + 16 * c);
                float scale = chunkScale<TYPE>(scales + weightRow * (padded >> 5), c);
                decode<TYPE>(raw, w);
#pragma unroll
                for (int t = 0; t < ROWS; t++) {
                    if ((ROWS == 1 || wanted >> t & 1) && t0 + t < rows) {
                        float input[SIZE];
                        loadAligned<SIZE>(hidden + (t0 + t) * hiddenStride + (i64)g * padded + c * SIZE, input);
                        sums[t] = chunkDot<TYPE>(w, scale, input, sums[t]);
                    }
                }
            }
        }
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
            for (int offset = lanes >> 1; offset > 0; offset >>= 1) {
                sums[t] += __shfl_xor_sync(FULL, sums[t], offset);
            }
            if (part == 0) {
                shared[warp][t][lane / lanes] = sums[t];
            }
        }
        __syncthreads();
        for (int k = threadIdx.x; k < ROWS * perWarp; k += blockDim.x) {
            int t = k / perWarp;
            int at = k % perWarp;
            int column = blockIdx.x * perWarp + at;
            if (t0 + t < rows && column < model) {
                float sum = downBias ? downBias[column] : 0.0f;
                for (int w = 0; w < 8; w++) {
                    sum += shared[w][t][at];
                }
                float *to = y + (t0 + t) * yStride + column;
                *to = mode & ADD ? *to + sum : sum;
            }
        }
        __syncthreads();
    }
}

#define INNER(NAME, TYPE, GATED)                                                                                          \
    extern "C" __global__ void __launch_bounds__(128) NAME(                                                               \
        float *hidden, i64 hiddenStride, const float *x, i64 xStride, const u8 *weight, const u16 *scales, i64 stride,    \
        const float *upBias, const u32 *masks, const int *list, const int *sizes, int rows, int model, int expertSize,    \
        int padded, int experts, int kind, int aligned) {                                                                 \
        inner<TYPE, GATED>(hidden, hiddenStride, x, xStride, weight, scales, stride, upBias, masks, list, sizes, rows,    \
                           model, expertSize, padded, experts, kind, aligned);                                            \
    }

#define OUTER(NAME, TYPE, ROWS)                                                                                           \
    extern "C" __global__ void __launch_bounds__(256) NAME(                                                               \
        float *y, i64 yStride, const float *hidden, i64 hiddenStride, const u8 *weight, const u16 *scales, i64 stride,    \
        const float *downBias, const u32 *masks, const int *buckets, const int *sizes, int rows, int model, int padded,   \
        int experts, int lanes, int mode) {                                                                               \
        outer<TYPE, ROWS>(y, yStride, hidden, hiddenStride, weight, scales, stride, downBias, masks, buckets, sizes,      \
                          rows, model, padded, experts, lanes, mode);                                                     \
    }

#define FFN(TYPE)                            \
    INNER(inner_##TYPE##_gated, TYPE, true)  \
    INNER(inner_##TYPE##_plain, TYPE, false) \
    OUTER(outer_##TYPE##_1, TYPE, 1)         \
    OUTER(outer_##TYPE##_4, TYPE, 4)

FFN(F32)
FFN(F16)
FFN(BF16)
FFN(Q8_0)
FFN(Q4_0)
