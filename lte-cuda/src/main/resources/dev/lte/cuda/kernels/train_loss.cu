// Losses over rows that count by their weights, with the gradients of what they look at. Each block leaves its part of a loss,
// which trainAddLosses adds up.

// Eight elements of a row from a multiple of 8 on, 16-byte aligned.
__device__ __forceinline__ void load8(const Rows &x, i64 row, int column, float *to) {
    if (x.type == F32) {
        loadAligned<8>((const float *)x.at + row * x.stride + column, to);
    } else {
        decode<BF16>(*(const uint4 *)((const u16 *)x.at + row * x.stride + column), to);
    }
}

__device__ __forceinline__ void store8(const Rows &x, i64 row, int column, const float *from) {
    store<4>(x, row, column, from);
    store<4>(x, row, column + 4, from + 4);
}

// BF16 cannot tell the faster exponential from the exact one.
__device__ __forceinline__ float power(const Rows &x, float value) { return x.type == F32 ? expf(value) : __expf(value); }

// The maximum of a row times `scale` and the sum of exp(scale * x - maximum).
__device__ __forceinline__ void softmaxOf(const Rows &x, i64 row, int columns, int wide, float scale, float *shared, float *maximum,
                                          float *sum) {
    float largest = -INFINITE, total = 0.0f;
    for (int c = threadIdx.x * 8; c < wide; c += blockDim.x * 8) {
        float value[8];
        load8(x, row, c, value);
        float before = largest;
#pragma unroll
        for (int j = 0; j < 8; j++) {
            value[j] *= scale;
            largest = fmaxf(largest, value[j]);
        }
        if (largest > before) {
            total *= power(x, before - largest);
        }
#pragma unroll
        for (int j = 0; j < 8; j++) {
            total += power(x, value[j] - largest);
        }
    }
    for (int c = wide + threadIdx.x; c < columns; c += blockDim.x) {
        float value = get(x, row, c) * scale;
        if (value > largest) {
            total *= power(x, largest - value);
            largest = value;
        }
        total += power(x, value - largest);
    }
    float most = maxOfBlock(largest, shared);
    // Threads without elements have -infinity for their maximum.
    float share = largest == -INFINITE && total == 0.0f ? 0.0f : total * power(x, largest - most);
    *sum = sumOfBlock(share, shared);
    *maximum = most;
}

// parts[t] = w * (log sum exp(logits) - logits[target]), dlogits = w * (softmax - onehot); a block a row. Rows of weight 0 or
// without a target are not read. `wide` columns can be taken eight at a time.
extern "C" __global__ void trainCrossEntropy(float *parts, ROWS(dlogits), ROWS(logits), const int *targets, i64 targetStride,
                                             const float *weights, i64 weightStride, int columns, int wide) {
    __shared__ float shared[32];
    OPEN(dlogits);
    OPEN(logits);
    i64 t = blockIdx.x;
    int target = targets[t * targetStride];
    float weight = weights[t * weightStride];
    bool counts = weight != 0.0f && target >= 0 && target < columns;
    float maximum = 0.0f, sum = 1.0f, chosen = 0.0f;
    if (counts) {
        chosen = get(logits, t, target);
        softmaxOf(logits, t, columns, wide, 1.0f, shared, &maximum, &sum);
    }
    if (threadIdx.x == 0) {
        parts[t] = counts ? weight * (logf(sum) + (maximum - chosen)) : 0.0f;
    }
    if (!dlogits.at) {
        return;
    }
    __syncthreads(); // the target's logit has been read
    float share = weight / sum;
    for (int c = threadIdx.x * 8; c < wide; c += blockDim.x * 8) {
        float value[8];
        if (counts) {
            load8(logits, t, c, value);
        }
#pragma unroll
        for (int j = 0; j < 8; j++) {
            value[j] = counts ? share * power(logits, value[j] - maximum) - (c + j == target ? weight : 0.0f) : 0.0f;
        }
        store8(dlogits, t, c, value);
    }
    for (int c = wide + threadIdx.x; c < columns; c += blockDim.x) {
        float value = counts ? share * power(logits, get(logits, t, c) - maximum) - (c == target ? weight : 0.0f) : 0.0f;
        set(dlogits, t, c, value);
    }
}

// parts[t] = w * temperature^2 * KL(p || s), dlogits = w * temperature * (s - p), or added to it; a block a row.
extern "C" __global__ void trainDistillation(float *parts, ROWS(dlogits), ROWS(logits), ROWS(teacher), const float *weights,
                                             i64 weightStride, int columns, float temperature, int add) {
    __shared__ float shared[32];
    OPEN(dlogits);
    OPEN(logits);
    OPEN(teacher);
    i64 t = blockIdx.x;
    float weight = weights[t * weightStride];
    float loss = 0.0f;
    if (weight != 0.0f) {
        float scale = 1.0f / temperature, most, sum, wantedMost, wantedSum;
        softmaxOf(logits, t, columns, 0, scale, shared, &most, &sum);
        softmaxOf(teacher, t, columns, 0, scale, shared, &wantedMost, &wantedSum);
        float normal = most + logf(sum), wantedNormal = wantedMost + logf(wantedSum);
        for (int c = threadIdx.x; c < columns; c += blockDim.x) {
            float student = get(logits, t, c) * scale - normal;
            float wanted = get(teacher, t, c) * scale - wantedNormal;
            float p = expf(wanted);
            loss += p == 0.0f ? 0.0f : p * (wanted - student);
            float gradient = weight * temperature * (expf(student) - p);
            set(dlogits, t, c, add ? get(dlogits, t, c) + gradient : gradient);
        }
        loss *= weight * temperature * temperature;
    } else if (!add) {
        for (int c = threadIdx.x; c < columns; c += blockDim.x) {
            set(dlogits, t, c, 0.0f);
        }
    }
    loss = sumOfBlock(loss, shared);
    if (threadIdx.x == 0) {
        parts[t] = loss;
    }
}

// Parts of the three losses of routing, each gridDim.x behind the one before, and their gradients added to dscores if there is
// one. An element of scores (T, N) a thread, with strides.
extern "C" __global__ void trainRouting(float *parts, float *dscores, i64 dscoreStride, const float *scores, i64 scoreStride,
                                        const float *weights, i64 weightStride, const float *factors, int rows, int experts,
                                        int squared, float threshold, float guard) {
    __shared__ float shared[32];
    float efficiency = 0.0f, separability = 0.0f, active = 0.0f;
    float eta = dscores ? factors[0] : 0.0f, lambda = dscores ? factors[1] : 0.0f;
    for (Walk at(rows, experts); at.inside(); at.next()) {
        int t = at.t, g = at.c;
        float share = weights[t * weightStride] / experts;
        if (share == 0.0f) {
            continue;
        }
        float score = scores[t * scoreStride + g];
        float distance = score - threshold;
        float separation = 1.0f / (distance * distance + guard);
        efficiency += share * (squared ? score * score : score);
        separability += share * separation;
        active += score > threshold ? share : 0.0f;
        if (dscores) {
            dscores[t * dscoreStride + g] +=
                share * (eta * (squared ? 2.0f * score : 1.0f) - lambda * 2.0f * distance * separation * separation);
        }
    }
    efficiency = sumOfBlock(efficiency, shared);
    separability = sumOfBlock(separability, shared);
    active = sumOfBlock(active, shared);
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = efficiency;
        parts[gridDim.x + blockIdx.x] = separability;
        parts[2 * gridDim.x + blockIdx.x] = active;
    }
}

// losses[b] += sum of the `count` parts of block b.
extern "C" __global__ void trainAddLosses(float *losses, const float *parts, int count) {
    __shared__ float shared[32];
    float sum = 0.0f;
    for (int i = threadIdx.x; i < count; i += blockDim.x) {
        sum += parts[(i64)blockIdx.x * count + i];
    }
    sum = sumOfBlock(sum, shared);
    if (threadIdx.x == 0) {
        losses[blockIdx.x] += sum;
    }
}
