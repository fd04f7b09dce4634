// What all kernels share: element types, 16-byte chunks of weights, warp reductions. Precedes every kernel file when it is
// compiled; uses no header, since NVRTC may find none.
//
// A chunk is what one lane loads at once: 16 bytes of a weight row. Q8_0 and Q4_0 weights are kept as two arrays, codes and
// F16 scales, so that codes can be loaded so too: row r of a (R, C) weight has its codes at r * stride bytes and its scales at
// r * C / 32. Plain weights have scales == 0.

typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;
typedef long long i64;
typedef unsigned long long u64;

#define FULL 0xffffffffu
#define INFINITE __int_as_float(0x7f800000)

enum Type { F32, F16, BF16, Q8_0, Q4_0 };
enum { ADD = 1, SIGMOID = 2 };
enum { SILU, GELU, GELU_TANH, RELU, TANH };

// Kernels that are launched as dependents: their blocks may start while the kernel before still runs. Up to waitForPrevious they
// touch only what never changes, and what kernels before that one wrote, since none lets the next start before its own wait.
// Every block calls both, in this order.
__device__ __forceinline__ void waitForPrevious() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ __forceinline__ void letNextStart() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

__device__ __forceinline__ float halfToFloat(u16 bits) {
    float value;
    asm("{ .reg .b16 h; mov.b16 h, %1; cvt.f32.f16 %0, h; }" : "=f"(value) : "h"(bits));
    return value;
}

__device__ __forceinline__ u16 floatToHalf(float value) {
    u16 bits;
    asm("{ .reg .b16 h; cvt.rn.f16.f32 h, %1; mov.b16 %0, h; }" : "=h"(bits) : "f"(value));
    return bits;
}

__device__ __forceinline__ float brainToFloat(u16 bits) { return __uint_as_float((u32)bits << 16); }

// To nearest even; a NaN stays one.
__device__ __forceinline__ u16 floatToBrain(float value) {
    u32 bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return (u16)(bits >> 16 | 0x40);
    }
    return (u16)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

__device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

__device__ __forceinline__ float activation(int kind, float x) {
    switch (kind) {
        case SILU: return x * sigmoid(x);
        case GELU: return 0.5f * x * erfcf(-x * 0.70710678118654752f);
        case GELU_TANH: return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
        case RELU: return x > 0.0f ? x : (x != x ? x : 0.0f);
        default: return tanhf(x);
    }
}

__device__ __forceinline__ float warpSum(float value) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) {
        value += __shfl_xor_sync(FULL, value, offset);
    }
    return value;
}

__device__ __forceinline__ int clampIndex(int index, int count) { return index < 0 ? 0 : index >= count ? count - 1 : index; }

// Elements of a chunk.
template <int TYPE> struct Chunk { enum { SIZE = TYPE == F32 ? 4 : TYPE == Q8_0 ? 16 : TYPE == Q4_0 ? 32 : 8 }; };

// 16 bytes that are read once: they do not displace the activations from the first-level cache.
__device__ __forceinline__ uint4 stream16(const void *at) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(at));
    return v;
}

// Byte i of a word, plus 2^23, as a float.
#define BYTE_FLOAT(word, i) __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7440 + (i)))

// The elements of a chunk, without their scale.
template <int TYPE> __device__ __forceinline__ void decode(uint4 v, float *w) {
    u32 words[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        u32 word = words[i];
        if (TYPE == F32) {
            w[i] = __uint_as_float(word);
        } else if (TYPE == BF16) {
            w[2 * i] = __uint_as_float(word << 16);
            w[2 * i + 1] = __uint_as_float(word & 0xffff0000u);
        } else if (TYPE == F16) {
            w[2 * i] = halfToFloat((u16)word);
            w[2 * i + 1] = halfToFloat((u16)(word >> 16));
        } else if (TYPE == Q8_0) {
            u32 shifted = word ^ 0x80808080u;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                w[4 * i + j] = BYTE_FLOAT(shifted, j) - 8388736.0f;
            }
        } else {
            u32 low = word & 0x0f0f0f0fu;
            u32 high = word >> 4 & 0x0f0f0f0fu;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                w[4 * i + j] = BYTE_FLOAT(low, j) - 8388616.0f;
                w[16 + 4 * i + j] = BYTE_FLOAT(high, j) - 8388616.0f;
            }
        }
    }
}

// The scale of chunk c of a row whose scales begin at `scales`.
template <int TYPE> __device__ __forceinline__ float chunkScale(const u16 *scales, int c) {
    return TYPE == Q8_0 ? halfToFloat(scales[c >> 1]) : TYPE == Q4_0 ? halfToFloat(scales[c]) : 1.0f;
}

// acc + w . x for one chunk, elements in ascending order.
template <int TYPE> __device__ __forceinline__ float chunkDot(const float *w, float scale, const float *x, float acc) {
    if (TYPE == Q8_0 || TYPE == Q4_0) {
        float sum = 0.0f;
#pragma unroll
        for (int i = 0; i < Chunk<TYPE>::SIZE; i++) {
            sum = fmaf(w[i], x[i], sum);
        }
        return fmaf(scale, sum, acc);
    }
#pragma unroll
    for (int i = 0; i < Chunk<TYPE>::SIZE; i++) {
        acc = fmaf(w[i], x[i], acc);
    }
    return acc;
}

// SIZE floats from a 16-byte aligned address.
template <int SIZE> __device__ __forceinline__ void loadAligned(const float *from, float *to) {
#pragma unroll
    for (int i = 0; i < SIZE; i += 4) {
        float4 v = *(const float4 *)(from + i);
        to[i] = v.x;
        to[i + 1] = v.y;
        to[i + 2] = v.z;
        to[i + 3] = v.w;
    }
}

// SIZE floats from any address, zeros from `left` on.
template <int SIZE> __device__ __forceinline__ void loadGuarded(const float *from, int left, float *to) {
#pragma unroll
    for (int i = 0; i < SIZE; i++) {
        to[i] = i < left ? from[i] : 0.0f;
    }
}

// A chunk of a plain row from any address, zeros from `left` on; block types are always whole and aligned.
template <int TYPE> __device__ __forceinline__ uint4 loadChunk(const u8 *from, int left, bool aligned) {
    if (aligned || TYPE == Q8_0 || TYPE == Q4_0) {
        return stream16(from);
    }
    u32 words[4] = {0, 0, 0, 0};
#pragma unroll
    for (int i = 0; i < Chunk<TYPE>::SIZE; i++) {
        if (i < left) {
            if (TYPE == F32) {
                words[i] = ((const u32 *)from)[i];
            } else {
                words[i >> 1] |= (u32)((const u16 *)from)[i] << (16 * (i & 1));
            }
        }
    }
    return make_uint4(words[0], words[1], words[2], words[3]);
}

// Element `column` of a row, decoded.
__device__ __forceinline__ float element(int type, const u8 *row, const u16 *scales, int column) {
    switch (type) {
        case F32: return ((const float *)row)[column];
        case F16: return halfToFloat(((const u16 *)row)[column]);
        case BF16: return brainToFloat(((const u16 *)row)[column]);
        case Q8_0: return halfToFloat(scales[column >> 5]) * (float)((const signed char *)row)[column];
        default: {
            u8 pair = row[(column >> 5) * 16 + (column & 15)];
            int code = (column & 16) ? pair >> 4 : pair & 15;
            return halfToFloat(scales[column >> 5]) * (float)(code - 8);
        }
    }
}

// The row of a cache that holds a position of a sequence, -1 if the tables lead outside.
__device__ __forceinline__ i64 cacheRow(const int *pages, i64 pageStride, int sequences, int perSequence, int pageSize,
                                        i64 cacheRows, int sequence, int position) {
    if (sequence < 0 || sequence >= sequences || position < 0 || position / pageSize >= perSequence) {
        return -1;
    }
    i64 row = (i64)pages[sequence * pageStride + position / pageSize] * pageSize + position % pageSize;
    return row < 0 || row >= cacheRows ? -1 : row;
}
