// out[t][r] = weight[r] . x[t] (+ bias[r]) (+ out[t][r]), or its sigmoid. out (T, R), x (T, C) F32, weight (R, C) of any type,
// sums in F32. A warp does LINES rows of the weight for 8 rows of x at a time; lane l takes the chunks l, l + 32, ... of every
// row, so that a result depends neither on the other rows of x nor on their number.

template <int TYPE, int ROWS, int LINES, bool FAST>
__device__ __forceinline__ void product(float *out, i64 outStride, const float *x, i64 xStride, const u8 *weight,
                                        const u16 *scales, i64 stride, const float *bias, int rows, int outputs, int columns,
                                        int mode, bool aligned) {
    const int SIZE = Chunk<TYPE>::SIZE;
    int lane = threadIdx.x & 31;
    int r0 = (blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5)) * LINES;
    if (r0 >= outputs) {
        return;
    }
    const u8 *lines[LINES];
    const u16 *lineScales[LINES];
#pragma unroll
    for (int j = 0; j < LINES; j++) {
        i64 r = min(r0 + j, outputs - 1);
        lines[j] = weight + r * stride;
        lineScales[j] = scales + r * (columns >> 5);
    }
    int chunks = (columns + SIZE - 1) / SIZE;
    for (int t0 = 0; t0 < rows; t0 += ROWS) {
        const float *inputs[ROWS];
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
            inputs[t] = x + min(t0 + t, rows - 1) * xStride;
        }
        float sums[LINES][ROWS] = {};
#pragma unroll(ROWS == 1 ? 4 : 2)
        for (int c = lane; c < chunks; c += 32) {
            float w[LINES][SIZE];
            float scale[LINES];
#pragma unroll
            for (int j = 0; j < LINES; j++) {
                uint4 raw = loadChunk<TYPE>(lines[j] + 16LL * c, columns - c * SIZE, FAST || aligned);
                scale[j] = chunkScale<TYPE>(lineScales[j], c);
                decode<TYPE>(raw, w[j]);
            }
#pragma unroll
            for (int t = 0; t < ROWS; t++) {
                float input[SIZE];
                if (FAST) {
                    loadAligned<SIZE>(inputs[t] + c * SIZE, input);
                } else {
                    loadGuarded<SIZE>(inputs[t] + c * SIZE, columns - c * SIZE, input);
                }
#pragma unroll
                for (int j = 0; j < LINES; j++) {
                    sums[j][t] = chunkDot<TYPE>(w[j], scale[j], input, sums[j][t]);
                }
            }
        }
#pragma unroll
        for (int j = 0; j < LINES; j++) {
#pragma unroll
            for (int t = 0; t < ROWS; t++) {
                float sum = warpSum(sums[j][t]);
                if (lane == 0 && r0 + j < outputs && t0 + t < rows) {
                    float *to = out + (t0 + t) * outStride + r0 + j;
                    sum += bias ? bias[r0 + j] : 0.0f;
                    sum = mode & SIGMOID ? sigmoid(sum) : sum;
                    *to = mode & ADD ? *to + sum : sum;
                }
            }
        }
    }
}

#define LINEAR(NAME, TYPE, ROWS, LINES, FAST)                                                                             \
    extern "C" __global__ void __launch_bounds__(128) NAME(                                                               \
        float *out, i64 outStride, const float *x, i64 xStride, const u8 *weight, const u16 *scales, i64 stride,          \
        const float *bias, int rows, int outputs, int columns, int mode, int aligned) {                                   \
        product<TYPE, ROWS, LINES, FAST>(out, outStride, x, xStride, weight, scales, stride, bias, rows, outputs,         \
                                         columns, mode, aligned);                                                         \
    }

#define LINEARS(TYPE, LINES)                  \
    LINEAR(linear_##TYPE##_1, TYPE, 1, 1, true)     \
    LINEAR(linear_##TYPE##_2, TYPE, 2, 1, true)     \
    LINEAR(linear_##TYPE##_4, TYPE, 4, 2, true)     \
    LINEAR(linear_##TYPE##_8, TYPE, 8, LINES, true) \
    LINEAR(linear_##TYPE##_any, TYPE, 4, 1, false)

LINEARS(F32, 4)
LINEARS(F16, 4)
LINEARS(BF16, 4)
LINEARS(Q8_0, 2)
LINEARS(Q4_0, 1)
