// What the kernels of training share, behind common.cuh: matrices of F32 or BF16, each with its own type, and sums of blocks.
//
// Kernels that end in _4 take four neighbouring elements at once, for which the host checks alignment and widths; those that
// end in _1 take any matrix. Sums of several blocks are kept as parts and added up by a later kernel in a fixed order, so that
// the same calls give the same bits.

// Rows with a stride in elements.
struct Rows {
    u8 *at;
    i64 stride;
    int type;
};

#define ROWS(name) u8 *name##At, i64 name##Stride, int name##Type
#define OPEN(name) Rows name = {name##At, name##Stride, name##Type}

__device__ __forceinline__ float get(const Rows &x, i64 row, int column) {
    i64 i = row * x.stride + column;
    return x.type == F32 ? ((const float *)x.at)[i] : brainToFloat(((const u16 *)x.at)[i]);
}

__device__ __forceinline__ void set(const Rows &x, i64 row, int column, float value) {
    i64 i = row * x.stride + column;
    if (x.type == F32) {
        ((float *)x.at)[i] = value;
    } else {
        ((u16 *)x.at)[i] = floatToBrain(value);
    }
}

__device__ __forceinline__ u32 brainPair(float low, float high) { return floatToBrain(low) | (u32)floatToBrain(high) << 16; }

// V elements of a row, 1 or 4.
template <int V> __device__ __forceinline__ void load(const Rows &x, i64 row, int column, float *to) {
    if (V == 1) {
        to[0] = get(x, row, column);
    } else if (x.type == F32) {
        float4 v = *(const float4 *)((const float *)x.at + row * x.stride + column);
        to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
    } else {
        uint2 v = *(const uint2 *)((const u16 *)x.at + row * x.stride + column);
        to[0] = __uint_as_float(v.x << 16), to[1] = __uint_as_float(v.x & 0xffff0000u);
        to[2] = __uint_as_float(v.y << 16), to[3] = __uint_as_float(v.y & 0xffff0000u);
    }
}

template <int V> __device__ __forceinline__ void store(const Rows &x, i64 row, int column, const float *from) {
    if (V == 1) {
        set(x, row, column, from[0]);
    } else if (x.type == F32) {
        *(float4 *)((float *)x.at + row * x.stride + column) = make_float4(from[0], from[1], from[2], from[3]);
    } else {
        uint2 v = make_uint2(brainPair(from[0], from[1]), brainPair(from[2], from[3]));
        *(uint2 *)((u16 *)x.at + row * x.stride + column) = v;
    }
}

// As it will be read back from a matrix of this type.
__device__ __forceinline__ float rounded(int type, float value) {
    return type == F32 ? value : brainToFloat(floatToBrain(value));
}

// The sum over all threads of a block, in every one of them; shared has room for a float per warp.
__device__ __forceinline__ float sumOfBlock(float value, float *shared) {
    value = warpSum(value);
    __syncthreads();
    if ((threadIdx.x & 31) == 0) {
        shared[threadIdx.x >> 5] = value;
    }
    __syncthreads();
    int lane = threadIdx.x & 31;
    return warpSum(lane < (blockDim.x >> 5) ? shared[lane] : 0.0f);
}

__device__ __forceinline__ float maxOfBlock(float value, float *shared) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) {
        value = fmaxf(value, __shfl_xor_sync(FULL, value, offset));
    }
    __syncthreads();
    if ((threadIdx.x & 31) == 0) {
        shared[threadIdx.x >> 5] = value;
    }
    __syncthreads();
    value = shared[0];
    for (int i = 1; i < (blockDim.x >> 5); i++) {
        value = fmaxf(value, shared[i]);
    }
    return value;
}

// What a thread of a one-dimensional grid takes of `rows` rows of `width` pieces each, without a division for every piece.
struct Walk {
    u32 t, c, rows, width, stepRows, stepPieces;

    __device__ __forceinline__ Walk(u32 rows, u32 width) : Walk(rows, width, blockIdx.x * blockDim.x + threadIdx.x, gridDim.x * blockDim.x) {}

    __device__ __forceinline__ Walk(u32 rows, u32 width, u32 first, u32 step) : rows(rows), width(width) {
        t = first / width;
        c = first - t * width;
        stepRows = step / width;
        stepPieces = step - stepRows * width;
    }

    __device__ __forceinline__ bool inside() const { return t < rows; }

    __device__ __forceinline__ void next() {
        t += stepRows;
        c += stepPieces;
        if (c >= width) {
            c -= width;
            t++;
        }
    }
};

// An activation and its derivative, which is 0 at the kink of RELU. Divisions are by at least 1, where the fast one is exact to
// a unit in the last place.
struct Slope {
    float value, slope;
};

__device__ __forceinline__ float fastSigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }

__device__ __forceinline__ Slope slopeOf(int kind, float x) {
    switch (kind) {
        case SILU: {
            float s = fastSigmoid(x);
            return {x * s, s * (1.0f + x * (1.0f - s))};
        }
        case GELU: {
            float below = 0.5f * erfcf(-x * 0.70710678118654752f);
            return {x * below, below + x * expf(-0.5f * x * x) * 0.39894228040143268f};
        }
        case GELU_TANH: { // (1 + tanh(y)) / 2 is sigmoid(2y)
            float s = fastSigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
            float inner = 1.5957691216057308f * (1.0f + 3 * 0.044715f * x * x);
            return {x * s, s + x * (s * (1.0f - s)) * inner};
        }
        case RELU: return {x > 0.0f ? x : (x != x ? x : 0.0f), x > 0.0f ? 1.0f : 0.0f};
        default: {
            float tanh = tanhf(x);
            return {tanh, 1.0f - tanh * tanh};
        }
    }
}
