// out = (x - mean) / sqrt(mean((x - mean)^2) + epsilon) * (weight + offset) + bias for each group of C columns, where RMS takes
// 0 for the mean. out and x (T, G x C) F32, weight and bias (C) F32. A block per row and group; sums in F32, in a tree.

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
                                const float *bias, int columns, int layer, float epsilon, float offset) {
    __shared__ float shared[32];
    const float *row = x + blockIdx.x * xStride + (i64)blockIdx.y * columns;
    float *to = out + blockIdx.x * outStride + (i64)blockIdx.y * columns;
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
        to[i] = bias ? value + bias[i] : value;
    }
}
