// Norms of training. x (T, G x C); a warp takes a group of C columns of a row. Kernels whose names end in x2 to x8 keep
// the group in registers, 128 columns for each of 2 to 8; the others read it again.

template <int V, int K>
__device__ __forceinline__ void norm(Rows out, float *statistics, i64 statisticStride, Rows sum, Rows x, Rows branch, Rows weight,
                                     Rows bias, int rows, int groups, int columns, int layer, float epsilon, float offset) {
    int lane = threadIdx.x & 31;
    float kept[K ? K : 1][V];
    for (int unit = blockIdx.x * 8 + (threadIdx.x >> 5); unit < rows * groups; unit += gridDim.x * 8) {
        int t = unit / groups, g = unit - t * groups, start = g * columns;
        float total = 0.0f;
        int steps = K ? K : (columns + 32 * V - 1) / (32 * V);
#pragma unroll(K ? K : 1)
        for (int k = 0; k < steps; k++) {
            int c = (k * 32 + lane) * V;
            if (c < columns) {
                float *value = kept[K ? k : 0];
                load<V>(x, t, start + c, value);
                if (branch.at) {
                    float other[V];
                    load<V>(branch, t, start + c, other);
#pragma unroll
                    for (int j = 0; j < V; j++) {
                        value[j] = rounded(sum.type, value[j] + other[j]);
                    }
                    store<V>(sum, t, start + c, value);
                }
#pragma unroll
                for (int j = 0; j < V; j++) {
                    total += value[j];
                }
            }
        }
        float mean = layer ? warpSum(total) / columns : 0.0f;
        float squares = 0.0f;
#pragma unroll(K ? K : 1)
        for (int k = 0; k < steps; k++) {
            int c = (k * 32 + lane) * V;
            if (c < columns) {
                float *value = kept[K ? k : 0];
                if (!K) {
                    load<V>(branch.at ? sum : x, t, start + c, value);
                }
#pragma unroll
                for (int j = 0; j < V; j++) {
                    float difference = value[j] - mean;
                    squares = fmaf(difference, difference, squares);
                }
            }
        }
        float factor = 1.0f / sqrtf(warpSum(squares) / columns + epsilon);
        if (lane == 0) {
            statistics[t * statisticStride + 2 * g] = mean;
            statistics[t * statisticStride + 2 * g + 1] = factor;
        }
#pragma unroll(K ? K : 1)
        for (int k = 0; k < steps; k++) {
            int c = (k * 32 + lane) * V;
            if (c < columns) {
                float *value = kept[K ? k : 0];
                float gain[V], shift[V], result[V];
                if (!K) {
                    load<V>(branch.at ? sum : x, t, start + c, value);
                }
                load<V>(weight, 0, c, gain);
                if (bias.at) {
                    load<V>(bias, 0, c, shift);
                }
#pragma unroll
                for (int j = 0; j < V; j++) {
                    result[j] = (value[j] - mean) * factor * (gain[j] + offset);
                    result[j] = bias.at ? result[j] + shift[j] : result[j];
                }
                store<V>(out, t, start + c, result);
            }
        }
    }
}

// dx = factor * (u - mean(u) - n * mean(u * n)) with n = (x - mean) * factor and u = dout * (weight + offset). With K, each block
// leaves its sums of dout * n in parts[block][c], and behind all of these those of dout.
template <int V, int K>
__device__ __forceinline__ void normBackward(Rows dx, float *parts, Rows dout, Rows x, const float *statistics, i64 statisticStride,
                                             Rows weight, int rows, int groups, int columns, int layer, float offset, int add) {
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int steps = K ? K : (columns + 32 * V - 1) / (32 * V);
    float gains[K ? K : 1][V], shifts[K ? K : 1][V];
#pragma unroll
    for (int k = 0; k < (K ? K : 1); k++) {
#pragma unroll
        for (int j = 0; j < V; j++) {
            gains[k][j] = shifts[k][j] = 0.0f;
        }
    }
    for (int unit = blockIdx.x * 8 + warp; unit < rows * groups; unit += gridDim.x * 8) {
        int t = unit / groups, g = unit - t * groups, start = g * columns;
        float mean = statistics[t * statisticStride + 2 * g];
        float factor = statistics[t * statisticStride + 2 * g + 1];
        float sum = 0.0f, product = 0.0f;
#pragma unroll(K ? K : 1)
        for (int k = 0; k < steps; k++) {
            int c = (k * 32 + lane) * V;
            if (c < columns) {
                float value[V], gradient[V], gain[V];
                load<V>(x, t, start + c, value);
                load<V>(dout, t, start + c, gradient);
                load<V>(weight, 0, c, gain);
#pragma unroll
                for (int j = 0; j < V; j++) {
                    float n = (value[j] - mean) * factor, u = gradient[j] * (gain[j] + offset);
                    sum += u;
                    product = fmaf(u, n, product);
                    if (K) {
                        gains[k][j] = fmaf(gradient[j], n, gains[k][j]);
                        shifts[k][j] += gradient[j];
                    }
                }
            }
        }
        sum = layer ? warpSum(sum) / columns : 0.0f;
        product = warpSum(product) / columns;
        // The same elements once more, from the first-level cache.
#pragma unroll(K ? K : 1)
        for (int k = 0; k < steps; k++) {
            int c = (k * 32 + lane) * V;
            if (c < columns) {
                float value[V], gradient[V], gain[V], before[V];
                load<V>(x, t, start + c, value);
                load<V>(dout, t, start + c, gradient);
                load<V>(weight, 0, c, gain);
                if (add) {
                    load<V>(dx, t, start + c, before);
                }
#pragma unroll
                for (int j = 0; j < V; j++) {
                    float n = (value[j] - mean) * factor, u = gradient[j] * (gain[j] + offset);
                    float result = factor * (u - sum - n * product);
                    value[j] = add ? before[j] + result : result;
                }
                store<V>(dx, t, start + c, value);
            }
        }
    }
    if (K) {
        __shared__ float shared[2][8][32 * V];
#pragma unroll
        for (int k = 0; k < K; k++) {
            __syncthreads();
#pragma unroll
            for (int j = 0; j < V; j++) {
                shared[0][warp][lane * V + j] = gains[k][j];
                shared[1][warp][lane * V + j] = shifts[k][j];
            }
            __syncthreads();
            for (int i = threadIdx.x; i < 64 * V; i += blockDim.x) {
                int which = i / (32 * V), at = i - which * 32 * V, column = k * 32 * V + at;
                if (column < columns) {
                    float all = shared[which][0][at];
#pragma unroll
                    for (int w = 1; w < 8; w++) {
                        all += shared[which][w][at];
                    }
                    parts[((i64)which * gridDim.x + blockIdx.x) * columns + column] = all;
                }
            }
        }
    }
}

// parts[p][c] = sum over rows and groups of part p of dout * n, and behind all of these the sums of dout. 32 x V columns a block.
template <int V>
__device__ __forceinline__ void normColumns(float *parts, Rows dout, Rows x, const float *statistics, i64 statisticStride, int rows,
                                            int groups, int columns, int perPart) {
    __shared__ float shared[2][8][32 * V];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int c = (blockIdx.x * 32 + lane) * V;
    int end = min(rows * groups, (int)(blockIdx.y + 1) * perPart);
    float gain[V], shift[V];
#pragma unroll
    for (int j = 0; j < V; j++) {
        gain[j] = shift[j] = 0.0f;
    }
    if (c < columns) {
#pragma unroll 4
        for (int unit = blockIdx.y * perPart + warp; unit < end; unit += 8) {
            int t = unit / groups, g = unit - t * groups;
            float mean = statistics[t * statisticStride + 2 * g];
            float factor = statistics[t * statisticStride + 2 * g + 1];
            float value[V], gradient[V];
            load<V>(x, t, g * columns + c, value);
            load<V>(dout, t, g * columns + c, gradient);
#pragma unroll
            for (int j = 0; j < V; j++) {
                gain[j] = fmaf(gradient[j], (value[j] - mean) * factor, gain[j]);
                shift[j] += gradient[j];
            }
        }
    }
#pragma unroll
    for (int j = 0; j < V; j++) {
        shared[0][warp][lane * V + j] = gain[j];
        shared[1][warp][lane * V + j] = shift[j];
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 64 * V; i += blockDim.x) {
        int which = i / (32 * V), at = i - which * 32 * V, column = blockIdx.x * 32 * V + at;
        if (column < columns) {
            float all = shared[which][0][at];
            for (int w = 1; w < 8; w++) {
                all += shared[which][w][at];
            }
            parts[((i64)which * gridDim.y + blockIdx.y) * columns + column] = all;
        }
    }
}

#define NORM(NAME, V, K)                                                                                                     \
    extern "C" __global__ void __launch_bounds__(256) trainNorm_##NAME(                                                      \
        ROWS(out), float *statistics, i64 statisticStride, ROWS(sum), ROWS(x), ROWS(branch), ROWS(weight), ROWS(bias),       \
        int rows, int groups, int columns, int layer, float epsilon, float offset) {                                         \
        OPEN(out);                                                                                                           \
        OPEN(sum);                                                                                                           \
        OPEN(x);                                                                                                             \
        OPEN(branch);                                                                                                        \
        OPEN(weight);                                                                                                        \
        OPEN(bias);                                                                                                          \
        norm<V, K>(out, statistics, statisticStride, sum, x, branch, weight, bias, rows, groups, columns, layer, epsilon,    \
                   offset);                                                                                                  \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(256, 2) trainNormBackward_##NAME(                                           \
        ROWS(dx), float *parts, ROWS(dout), ROWS(x), const float *statistics, i64 statisticStride, ROWS(weight), int rows, int groups,     \
        int columns, int layer, float offset, int add) {                                                                     \
        OPEN(dx);                                                                                                            \
        OPEN(dout);                                                                                                          \
        OPEN(x);                                                                                                             \
        OPEN(weight);                                                                                                        \
        normBackward<V, K>(dx, parts, dout, x, statistics, statisticStride, weight, rows, groups, columns, layer, offset, add);     \
    }
NORM(1, 1, 0)
NORM(4, 4, 0)
NORM(4x2, 4, 2)
NORM(4x3, 4, 3)
NORM(4x4, 4, 4)
NORM(4x6, 4, 6)
NORM(4x8, 4, 8)

#define NORM_COLUMNS(V)                                                                                                   \
    extern "C" __global__ void trainNormColumns_##V(float *parts, ROWS(dout), ROWS(x), const float *statistics,            \
                                                    i64 statisticStride, int rows, int groups, int columns, int perPart) { \
        OPEN(dout);                                                                                                       \
        OPEN(x);                                                                                                          \
        normColumns<V>(parts, dout, x, statistics, statisticStride, rows, groups, columns, perPart);                      \
    }
NORM_COLUMNS(1)
NORM_COLUMNS(4)
