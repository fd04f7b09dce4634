// The neurons of a feed-forward block under the scores of their experts. gate, up, hidden and their gradients (T, F), scores
// (T, N) F32, neuron f belonging to expert f / M.

enum { NONE, SOFT, HARD, STRAIGHT_THROUGH };

__device__ __forceinline__ float factorOf(int mode, float threshold, const float *scores, i64 stride, int t, int expert) {
    if (mode == NONE) {
        return 1.0f;
    }
    float score = scores[t * stride + expert];
    return mode == SOFT ? score : score > threshold ? 1.0f : 0.0f;
}

// hidden = act(gate) * up * r, or act(up) * r without a gate. V neighbours are of one expert.
template <int V>
__device__ __forceinline__ void forward(Rows hidden, Rows gate, Rows up, const float *scores, i64 scoreStride, int rows, int neurons,
                                        int expertSize, int kind, int mode, float threshold) {
    u32 width = neurons / V;
    u64 count = (u64)rows * width;
    for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
        int t = (int)(i / width), f = (int)(i - (u64)t * width) * V;
        float r = factorOf(mode, threshold, scores, scoreStride, t, f / expertSize);
        float u[V], g[V];
        load<V>(up, t, f, u);
        if (gate.at) {
            load<V>(gate, t, f, g);
        }
#pragma unroll
        for (int j = 0; j < V; j++) {
            u[j] = (gate.at ? activation(kind, g[j]) * u[j] : activation(kind, u[j])) * r;
        }
        store<V>(hidden, t, f, u);
    }
}

// The gradients of V neurons; returns the sum of dhidden * h over them.
template <int V>
__device__ __forceinline__ float differentiate(Rows dgate, Rows dup, Rows dhidden, Rows gate, Rows up, int t, int f, int kind,
                                               float r) {
    float u[V], g[V], d[V];
    float sum = 0.0f;
    load<V>(up, t, f, u);
    load<V>(dhidden, t, f, d);
    if (gate.at) {
        load<V>(gate, t, f, g);
    }
#pragma unroll
    for (int j = 0; j < V; j++) {
        float dneuron = d[j] * r;
        if (gate.at) {
            float a = activation(kind, g[j]);
            sum = fmaf(d[j], a * u[j], sum);
            g[j] = dneuron * u[j] * slope(kind, g[j]);
            u[j] = dneuron * a;
        } else {
            sum = fmaf(d[j], activation(kind, u[j]), sum);
            u[j] = dneuron * slope(kind, u[j]);
        }
    }
    store<V>(dup, t, f, u);
    if (gate.at) {
        store<V>(dgate, t, f, g);
    }
    return sum;
}

template <int V>
__device__ __forceinline__ void backward(Rows dgate, Rows dup, Rows dhidden, Rows gate, Rows up, const float *scores,
                                         i64 scoreStride, int rows, int neurons, int expertSize, int kind, int mode,
                                         float threshold) {
    u32 width = neurons / V;
    u64 count = (u64)rows * width;
    for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
        int t = (int)(i / width), f = (int)(i - (u64)t * width) * V;
        float r = factorOf(mode, threshold, scores, scoreStride, t, f / expertSize);
        differentiate<V>(dgate, dup, dhidden, gate, up, t, f, kind, r);
    }
}

// As backward, and dscores[t][g] = sum over the neurons of expert g of dhidden * h. Eight lanes take an expert of a row.
template <int V>
__device__ __forceinline__ void backwardScores(Rows dgate, Rows dup, float *dscores, i64 dscoreStride, Rows dhidden, Rows gate,
                                               Rows up, const float *scores, i64 scoreStride, int rows, int experts,
                                               int expertSize, int kind, int mode, float threshold) {
    int lane = threadIdx.x & 7;
    u64 count = (u64)rows * experts, step = (u64)gridDim.x * (blockDim.x >> 3);
    u64 whole = (count + 3) / 4 * 4; // lanes of a warp stay together
    for (u64 i = blockIdx.x * (u64)(blockDim.x >> 3) + (threadIdx.x >> 3); i < whole; i += step) {
        int t = (int)(i / experts), expert = (int)(i - (u64)t * experts);
        float sum = 0.0f;
        if (i < count) {
            float r = factorOf(mode, threshold, scores, scoreStride, t, expert);
            for (int m = lane * V; m < expertSize; m += 8 * V) {
                sum += differentiate<V>(dgate, dup, dhidden, gate, up, t, expert * expertSize + m, kind, r);
            }
        }
#pragma unroll
        for (int offset = 4; offset > 0; offset >>= 1) {
            sum += __shfl_xor_sync(FULL, sum, offset);
        }
        if (i < count && lane == 0) {
            dscores[t * dscoreStride + expert] = sum;
        }
    }
}

#define FFN(V)                                                                                                                 \
    extern "C" __global__ void trainFfn_##V(ROWS(hidden), ROWS(gate), ROWS(up), const float *scores, i64 scoreStride, int rows, \
                                            int neurons, int expertSize, int kind, int mode, float threshold) {                \
        OPEN(hidden);                                                                                                          \
        OPEN(gate);                                                                                                            \
        OPEN(up);                                                                                                              \
        forward<V>(hidden, gate, up, scores, scoreStride, rows, neurons, expertSize, kind, mode, threshold);                   \
    }                                                                                                                          \
    extern "C" __global__ void trainFfnBackward_##V(ROWS(dgate), ROWS(dup), ROWS(dhidden), ROWS(gate), ROWS(up),               \
                                                    const float *scores, i64 scoreStride, int rows, int neurons,               \
                                                    int expertSize, int kind, int mode, float threshold) {                     \
        OPEN(dgate);                                                                                                           \
        OPEN(dup);                                                                                                             \
        OPEN(dhidden);                                                                                                         \
        OPEN(gate);                                                                                                            \
        OPEN(up);                                                                                                              \
        backward<V>(dgate, dup, dhidden, gate, up, scores, scoreStride, rows, neurons, expertSize, kind, mode, threshold);     \
    }                                                                                                                          \
    extern "C" __global__ void trainFfnBackwardScores_##V(ROWS(dgate), ROWS(dup), float *dscores, i64 dscoreStride,            \
                                                          ROWS(dhidden), ROWS(gate), ROWS(up), const float *scores,            \
                                                          i64 scoreStride, int rows, int experts, int expertSize, int kind,    \
                                                          int mode, float threshold) {                                         \
        OPEN(dgate);                                                                                                           \
        OPEN(dup);                                                                                                             \
        OPEN(dhidden);                                                                                                         \
        OPEN(gate);                                                                                                            \
        OPEN(up);                                                                                                              \
        backwardScores<V>(dgate, dup, dscores, dscoreStride, dhidden, gate, up, scores, scoreStride, rows, experts,            \
                          expertSize, kind, mode, threshold);                                                                  \
    }
FFN(1)
FFN(4)

// scores = sigmoid(scores), (T, N).
extern "C" __global__ void trainSigmoid(float *scores, i64 stride, int rows, int experts) {
    u64 count = (u64)rows * experts;
    for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
        i64 t = i / experts;
        float *score = scores + t * stride + (i - t * experts);
        *score = sigmoid(*score);
    }
}

// dlogits = dscores * scores * (1 - scores), (T, N).
extern "C" __global__ void trainSigmoidBackward(ROWS(dlogits), const float *dscores, i64 dscoreStride, const float *scores,
                                                i64 scoreStride, int rows, int experts) {
    OPEN(dlogits);
    u64 count = (u64)rows * experts;
    for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {
        int t = (int)(i / experts), g = (int)(i - (u64)t * experts);
        float score = scores[t * scoreStride + g];
        set(dlogits, t, g, dscores[t * dscoreStride + g] * score * (1.0f - score));
    }
}
