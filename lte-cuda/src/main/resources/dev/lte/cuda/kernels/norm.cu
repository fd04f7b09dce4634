// out = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * (weight + offset) + bias for each group of C columns, where RMS takes
// 0 for the mean. out and x (T, G x C) F32, weight and bias (C) F32. A block per row and group; sums in F32, in a tree.
// rounded (T, pitch): out in BF16 too, if there is one group; or null.

__device__ __forceinline__ float blockSum(float value, float *shared) {
    value = warpSum(value);
    if ((threadIdx.x & 31) == 0) {
        shared[threadIdx.x >> 5] = value;
    }
    __syncthreads();
    int lane = threadIdx.x & 31;
    float sum = warpSum(lane < (blockDim.x >> 5) ? shared[lane] : 0.0f);
    __syncthreads();
    return sum;
}

extern "C" __global__ void normRows(float *out, i64 outStride, const float *x, i64 xStride, const float *weight,
                                const float *bias, int columns, int layer, float epsilon, float offset, u16 *rounded, i64 pitch) {
    __shared__ float shared[32];
    waitForPrevious();
    letNextStart();
    const float *row = x + blockIdx.x * xStride + (i64)blockIdx.y * columns;
    float *to = out + blockIdx.x * outStride + (i64)blockIdx.y * columns;
    // A thread keeps its part of a row of usual width.
    if (columns % 4 == 0 && columns <= 16 * blockDim.x && ((u64)row | (u64)to | (u64)weight | (u64)bias) % 16 == 0) {
        float4 own[4];
        float sum = 0.0f;
#pragma unroll
        for (int k = 0; k < 4; k++) {
            int i = 4 * (k * blockDim.x + threadIdx.x);
            own[k] = i < columns ? *(const float4 *)(row + i) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            sum += own[k].x + own[k].y + (own[k].z + own[k].w);
        }
        float mean = layer ? blockSum(sum, shared) / columns : 0.0f;
        float squares = 0.0f;
#pragma unroll
        for (int k = 0; k < 4; k++) {
            if (4 * (k * blockDim.x + threadIdx.x) < columns) {
                own[k] = make_float4(own[k].x - mean, own[k].y - mean, own[k].z - mean, own[k].w - mean);
                squares += own[k].x * own[k].x + own[k].y * own[k].y + (own[k].z * own[k].z + own[k].w * own[k].w);
            }
        }
        float factor = 1.0f / sqrtf(blockSum(squares, shared) / columns + epsilon);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            int i = 4 * (k * blockDim.x + threadIdx.x);
            if (i < columns) {
                float4 w = *(const float4 *)(weight + i);
                float4 b = bias ? *(const float4 *)(bias + i) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
                float4 y = make_float4(own[k].x * factor * (w.x + offset) + b.x, own[k].y * factor * (w.y + offset) + b.y,
                                       own[k].z * factor * (w.z + offset) + b.z, own[k].w * factor * (w.w + offset) + b.w);
                *(float4 *)(to + i) = y;
                if (rounded) {
                    *(uint2 *)(rounded + blockIdx.x * pitch + i) = make_uint2(
                        (u32)floatToBrain(y.y) << 16 | floatToBrain(y.x), (u32)floatToBrain(y.w) << 16 | floatToBrain(y.z));
                }
            }
        }
        return;
    }
    float mean = 0.0f;
    if (layer) {
        float sum = 0.0f;
        for (int i = threadIdx.x; i < columns; i += blockDim.x) {
            sum += row[i];
        }
        mean = blockSum(sum, shared) / columns;
    }
    float squares = 0.0f;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        float difference = row[i] - mean;
        squares = fmaf(difference, difference, squares);
    }
    float deviation = sqrtf(blockSum(squares, shared) / columns + epsilon);
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        float value = (row[i] - mean) / deviation * (weight[i] + offset);
        value = bias ? value + bias[i] : value;
        to[i] = value;
        if (rounded) {
            rounded[blockIdx.x * pitch + i] = floatToBrain(value);
        }
    }
}
