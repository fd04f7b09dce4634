// Operations on single rows and elements. Rows of activations are F32 with a stride in elements; a thread does one element
// and strides over the columns, blockIdx.y strides over the rows.

// out[t] = scale * table[ids[t]], added to out if mode is ADD. out (T, D); table (V, D) of any type, row stride in bytes;
// ids (T) with a stride, or 0 for row t itself. `from` and `count` cut out the part of the table that this call knows: rows of
// other parts are left alone.
extern "C" __global__ void embed(float *out, i64 outStride, const u8 *table, const u16 *scales, i64 tableStride, int type,
                                 const int *ids, i64 idStride, int from, int count, int vocabulary, int rows, int columns,
                                 float scale, int mode) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        int id = (ids ? clampIndex(ids[t * idStride], vocabulary) : t) - from;
        if (id < 0 || id >= count) {
            continue;
        }
        const u8 *row = table + id * tableStride;
        const u16 *rowScales = scales + (i64)id * (columns >> 5);
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            float value = scale * element(type, row, rowScales, i);
            float *to = out + t * outStride + i;
            *to = mode & ADD ? *to + value : value;
        }
    }
}

// to[t] = from[t], F32 rounded to nearest even to the type. Strides in elements.
extern "C" __global__ void store(u8 *to, i64 toStride, int type, const float *from, i64 fromStride, int rows, int columns) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            float value = from[t * fromStride + i];
            i64 at = t * toStride + i;
            if (type == F32) {
                ((float *)to)[at] = value;
            } else {
                ((u16 *)to)[at] = type == F16 ? floatToHalf(value) : floatToBrain(value);
            }
        }
    }
}

// out[s] = x[rows[s]], 32-bit elements as they are; rows clamped into x's `count`, or 0 for row s itself.
extern "C" __global__ void gather(u32 *out, i64 outStride, const u32 *x, i64 xStride, const int *index, i64 indexStride,
                                  int count, int rows, int columns) {
    for (int s = blockIdx.y; s < rows; s += gridDim.y) {
        int t = index ? clampIndex(index[s * indexStride], count) : s;
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            out[s * outStride + i] = x[t * xStride + i];
        }
    }
}

// y = y + x, (T, D).
extern "C" __global__ void add(float *y, i64 yStride, const float *x, i64 xStride, int rows, int columns) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            y[t * yStride + i] += x[t * xStride + i];
        }
    }
}

// x = act(x), (T, D).
extern "C" __global__ void activate(float *x, i64 stride, int kind, int rows, int columns) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            x[t * stride + i] = activation(kind, x[t * stride + i]);
        }
    }
}

// x = cap * tanh(x / cap), (T, D).
extern "C" __global__ void softcap(float *x, i64 stride, float cap, int rows, int columns) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            x[t * stride + i] = cap * tanhf(x[t * stride + i] / cap);
        }
    }
}

// Whether (a, i) is a better maximum than (b, j): larger, or equal and earlier; NaN loses to all numbers.
__device__ __forceinline__ bool better(float a, int i, float b, int j) {
    bool aNumber = a == a;
    bool bNumber = b == b;
    if (aNumber != bNumber) {
        return aNumber;
    }
    return a > b || (!(a < b) && i < j);
}

// ids[t] = the lowest index of the largest of logits[t]; logits (T, V). A block per row.
extern "C" __global__ void argmax(int *ids, i64 idStride, const float *logits, i64 stride, int columns) {
    __shared__ float values[32];
    __shared__ int indices[32];
    const float *row = logits + blockIdx.x * stride;
    int best = threadIdx.x < columns ? threadIdx.x : 0;
    float value = row[best];
    for (int i = threadIdx.x + blockDim.x; i < columns; i += blockDim.x) {
        float candidate = row[i];
        if (better(candidate, i, value, best)) {
            value = candidate;
            best = i;
        }
    }
    for (int phase = 0; phase < 2; phase++) {
#pragma unroll
        for (int offset = 16; offset > 0; offset >>= 1) {
            float candidate = __shfl_xor_sync(FULL, value, offset);
            int i = __shfl_xor_sync(FULL, best, offset);
            if (better(candidate, i, value, best)) {
                value = candidate;
                best = i;
            }
        }
        if (phase == 0) {
            if ((threadIdx.x & 31) == 0) {
                values[threadIdx.x >> 5] = value;
                indices[threadIdx.x >> 5] = best;
            }
            __syncthreads();
            int warp = threadIdx.x & 31;
            warp = warp < (blockDim.x >> 5) ? warp : 0;
            value = values[warp];
            best = indices[warp];
        }
    }
    if (threadIdx.x == 0) {
        ids[blockIdx.x * idStride] = best;
    }
}

// Stores k[t] and v[t], (T, C), in the cache rows of their positions; padding and rows without a page go nowhere.
extern "C" __global__ void append(u8 *keys, i64 keyStride, u8 *values, i64 valueStride, int type, i64 cacheRows,
                                  const float *k, i64 kStride, const float *v, i64 vStride, const int *positions,
                                  i64 positionStride, const int *sequenceOf, i64 sequenceStride, const int *pages,
                                  i64 pageStride, int sequences, int perSequence, int pageSize, int rows, int columns) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        i64 row = cacheRow(pages, pageStride, sequences, perSequence, pageSize, cacheRows, sequenceOf[t * sequenceStride],
                           positions[t * positionStride]);
        if (row < 0) {
            continue;
        }
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < columns; i += gridDim.x * blockDim.x) {
            float key = k[t * kStride + i];
            float value = v[t * vStride + i];
            if (type == F32) {
                ((float *)keys)[row * keyStride + i] = key;
                ((float *)values)[row * valueStride + i] = value;
            } else if (type == F16) {
                ((u16 *)keys)[row * keyStride + i] = floatToHalf(key);
                ((u16 *)values)[row * valueStride + i] = floatToHalf(value);
            } else {
                ((u16 *)keys)[row * keyStride + i] = floatToBrain(key);
                ((u16 *)values)[row * valueStride + i] = floatToBrain(value);
            }
        }
    }
}
