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
    for (Walk at(rows, neurons / V); at.inside(); at.next()) {
        int t = at.t, f = at.c * V;
        float r = mode == NONE ? 1.0f : factorOf(mode, threshold, scores, scoreStride, t, (u32)f / (u32)expertSize);
        float u[V], g[V];
        load<V>(up, t, f, u);
        if (gate.at) {
            load<V>(gate, t, f, g);
        }
#pragma unroll
        for (int j = 0; j < V; j++) {
            u[j] = (gate.at ? slopeOf(kind, g[j]).value * u[j] : slopeOf(kind, u[j]).value) * r;
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
            Slope a = slopeOf(kind, g[j]);
            sum = fmaf(d[j], a.value * u[j], sum);
            g[j] = dneuron * u[j] * a.slope;
            u[j] = dneuron * a.value;
        } else {
            Slope a = slopeOf(kind, u[j]);
            sum = fmaf(d[j], a.value, sum);
            u[j] = dneuron * a.slope;
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
    for (Walk at(rows, neurons / V); at.inside(); at.next()) {
        int t = at.t, f = at.c * V;
        float r = mode == NONE ? 1.0f : factorOf(mode, threshold, scores, scoreStride, t, (u32)f / (u32)expertSize);
        differentiate<V>(dgate, dup, dhidden, gate, up, t, f, kind, r);
    }
}

// As backward, and dscores[t][g] = sum over the neurons of expert g of dhidden * h. Eight lanes take an expert of a row.
template <int V>
__device__ __forceinline__ void backwardScores(Rows dgate, Rows dup, float *dscores, i64 dscoreStride, Rows dhidden, Rows gate,
                                               Rows up, const float *scores, i64 scoreStride, int rows, int experts,
                                               int expertSize, int kind, int mode, float threshold) {
    int lane = threadIdx.x & 7;
    u32 together = 0xffu << (threadIdx.x & 24);
    u32 first = (blockIdx.x * blockDim.x + threadIdx.x) >> 3, step = (gridDim.x * blockDim.x) >> 3;
    for (Walk at(rows, experts, first, step); at.inside(); at.next()) {
        int t = at.t, expert = at.c;
        float r = factorOf(mode, threshold, scores, scoreStride, t, expert), sum = 0.0f;
        for (int m = lane * V; m < expertSize; m += 8 * V) {
            sum += differentiate<V>(dgate, dup, dhidden, gate, up, t, expert * expertSize + m, kind, r);
        }
#pragma unroll
        for (int offset = 4; offset > 0; offset >>= 1) {
            sum += __shfl_xor_sync(together, sum, offset);
        }
        if (lane == 0) {
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
    for (Walk at(rows, experts); at.inside(); at.next()) {
        float *score = scores + at.t * stride + at.c;
        *score = sigmoid(*score);
    }
}

// dlogits = dscores * scores * (1 - scores), (T, N).
extern "C" __global__ void trainSigmoidBackward(ROWS(dlogits), const float *dscores, i64 dscoreStride, const float *scores,
                                                i64 scoreStride, int rows, int experts) {
    OPEN(dlogits);
    for (Walk at(rows, experts); at.inside(); at.next()) {
        int t = at.t, g = at.c;
        float score = scores[t * scoreStride + g];
        set(dlogits, t, g, dscores[t * dscoreStride + g] * score * (1.0f - score));
    }
}
