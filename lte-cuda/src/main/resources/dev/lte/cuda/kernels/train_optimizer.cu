// The norm of all gradients and AdamW (Loshchilov and Hutter, algorithm 2) over many matrices in one launch. Their addresses
// come as an argument, so that a recording holds them; blocks are numbered through all matrices.

#define MOST_GRADIENTS 100
#define MOST_PARAMETERS 40

struct Gradient {
    const float *at;
    i64 stride;
    int rows, columns;
    int firstBlock; // of this matrix
    int whole;      // without gaps and aligned for four at once
};

struct Gradients {
    Gradient all[MOST_GRADIENTS];
};

#define SQUARES_CHUNK 16384

// parts[b] = the sum of squares of the elements of block b.
extern "C" __global__ void __launch_bounds__(256)
    trainSquares(const __grid_constant__ Gradients gradients, int count, float *parts) {
    __shared__ float shared[32];
    int which = 0;
    while (which + 1 < count && gradients.all[which + 1].firstBlock <= (int)blockIdx.x) {
        which++;
    }
    const float *at = gradients.all[which].at;
    int columns = gradients.all[which].columns;
    i64 stride = gradients.all[which].stride, size = (i64)gradients.all[which].rows * columns;
    i64 from = (i64)(blockIdx.x - gradients.all[which].firstBlock) * SQUARES_CHUNK, end = min(size, from + SQUARES_CHUNK);
    float sum = 0.0f;
    if (gradients.all[which].whole) {
        i64 i = from + threadIdx.x * 4;
#pragma unroll 4
        for (; i + 4 <= end; i += 1024) {
            float4 v = *(const float4 *)(at + i);
            sum += v.x * v.x + v.y * v.y + (v.z * v.z + v.w * v.w);
        }
        for (; i < end; i++) {
            sum = fmaf(at[i], at[i], sum);
        }
    } else {
        for (i64 i = from + threadIdx.x; i < end; i += blockDim.x) {
            i64 row = i / columns;
            float value = at[row * stride + (i - row * columns)];
            sum = fmaf(value, value, sum);
        }
    }
    sum = sumOfBlock(sum, shared);
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = sum;
    }
}

// factor = min(1, maxNorm / (sqrt(squares) + 1e-6)), NaN if squares is not finite.
extern "C" __global__ void trainClip(float *factor, const float *squares, float maxNorm) {
    float sum = *squares;
    *factor = fabsf(sum) < INFINITE ? fminf(1.0f, maxNorm / (sqrtf(sum) + 1e-6f)) : __int_as_float(0x7fc00000);
}

struct Parameter {
    float *master;
    u16 *copy; // or null
    const float *gradient;
    float *mean;
    float *square;
    i64 masterStride, copyStride, gradientStride, meanStride, squareStride;
    int rows, columns;
    int firstBlock;
    int whole;
};

struct Parameters {
    Parameter all[MOST_PARAMETERS];
};

#define ADAM_CHUNK 4096

struct Constants {
    float clip, rate, meanCorrection, squareCorrection, beta1, beta2, epsilon, decay;
};

__device__ __forceinline__ void update(const Constants &c, float &weight, float gradient, float &mean, float &square) {
    float g = c.clip * gradient;
    mean = c.beta1 * mean + (1.0f - c.beta1) * g;
    square = c.beta2 * square + (1.0f - c.beta2) * g * g;
    float step = mean * c.meanCorrection / (sqrtf(square * c.squareCorrection) + c.epsilon);
    weight = weight * (1.0f - c.rate * c.decay) - c.rate * step;
}

extern "C" __global__ void __launch_bounds__(256)
    trainAdamW(const __grid_constant__ Parameters parameters, int count, const float *factor, const float *settings, float beta1,
               float beta2, float epsilon, float decay) {
    Constants c = {*factor, settings[0], settings[1], settings[2], beta1, beta2, epsilon, decay};
    if (c.clip != c.clip) {
        return;
    }
    int which = 0;
    while (which + 1 < count && parameters.all[which + 1].firstBlock <= (int)blockIdx.x) {
        which++;
    }
    const Parameter &p = parameters.all[which];
    i64 size = (i64)p.rows * p.columns;
    i64 from = (i64)(blockIdx.x - p.firstBlock) * ADAM_CHUNK, end = min(size, from + ADAM_CHUNK);
    if (p.whole) {
        i64 i = from + threadIdx.x * 4;
#pragma unroll 2
        for (; i + 4 <= end; i += 1024) {
            float4 w = *(const float4 *)(p.master + i), g = *(const float4 *)(p.gradient + i);
            float4 m = *(const float4 *)(p.mean + i), v = *(const float4 *)(p.square + i);
            update(c, w.x, g.x, m.x, v.x);
            update(c, w.y, g.y, m.y, v.y);
            update(c, w.z, g.z, m.z, v.z);
            update(c, w.w, g.w, m.w, v.w);
            *(float4 *)(p.master + i) = w;
            *(float4 *)(p.mean + i) = m;
            *(float4 *)(p.square + i) = v;
            if (p.copy) {
                *(uint2 *)(p.copy + i) = make_uint2(brainPair(w.x, w.y), brainPair(w.z, w.w));
            }
        }
        for (; i < end; i++) {
            update(c, p.master[i], p.gradient[i], p.mean[i], p.square[i]);
            if (p.copy) {
                p.copy[i] = floatToBrain(p.master[i]);
            }
        }
    } else {
        for (i64 i = from + threadIdx.x; i < end; i += blockDim.x) {
            i64 row = i / p.columns, column = i - row * p.columns;
            float *master = p.master + row * p.masterStride + column;
            update(c, *master, p.gradient[row * p.gradientStride + column], p.mean[row * p.meanStride + column],
                   p.square[row * p.squareStride + column]);
            if (p.copy) {
                p.copy[row * p.copyStride + column] = floatToBrain(*master);
            }
        }
    }
}
