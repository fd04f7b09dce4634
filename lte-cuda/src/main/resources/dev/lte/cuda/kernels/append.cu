// Rotation of queries and new keys, and storing of keys and values, in one kernel.
#include "append.cuh"

// Four neighbours of a row of the cache.
__device__ __forceinline__ void storeFour(u8 *to, int type, i64 at, float4 value) {
    if (type == F32) {
        *(float4 *)((float *)to + at) = value;
    } else if (type == F16) {
        *(uint2 *)((u16 *)to + at) = make_uint2((u32)floatToHalf(value.y) << 16 | floatToHalf(value.x),
                                                (u32)floatToHalf(value.w) << 16 | floatToHalf(value.z));
    } else {
        *(uint2 *)((u16 *)to + at) = make_uint2((u32)floatToBrain(value.y) << 16 | floatToBrain(value.x),
                                                (u32)floatToBrain(value.w) << 16 | floatToBrain(value.z));
    }
}

// A row of `ropeAppend`, four pairs of halves or four other elements at a time.
__device__ __forceinline__ void ropeAppendWide(const Append &a, int t, int position, i64 row, const float *angles) {
    int perHead = (a.headSize - a.pairs) / 4;  // pairs, then what is not rotated
    int all = a.heads * perHead;
    float *x = a.x + t * a.xStride;
    i64 keys = row * a.keyStride - a.firstKey * a.headSize;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < all + a.columns / 4; i += gridDim.x * blockDim.x) {
        if (i >= all) {
            if (row >= 0) {
                int e = 4 * (i - all);
                storeFour(a.values, a.type, row * a.valueStride + e, *(const float4 *)(a.v + t * a.vStride + e));
            }
            continue;
        }
        int head = i / perHead;
        int e = 4 * (i - head * perHead);
        bool stored = head >= a.firstKey && row >= 0;
        if (e >= a.pairs) {
            int at = head * a.headSize + e + a.pairs;
            if (stored) {
                storeFour(a.keys, a.type, keys + at, *(const float4 *)(x + at));
            }
            continue;
        }
        int at = head * a.headSize + e;
        float4 first = *(const float4 *)(x + at);
        float4 second = *(const float4 *)(x + at + a.pairs);
        if (position >= 0) {
            float4 low = *(const float4 *)(angles + 2 * e);
            float4 high = *(const float4 *)(angles + 2 * e + 4);
            float4 turned = make_float4(first.x * low.x - second.x * low.y, first.y * low.z - second.y * low.w,
                                        first.z * high.x - second.z * high.y, first.w * high.z - second.w * high.w);
            second = make_float4(second.x * low.x + first.x * low.y, second.y * low.z + first.y * low.w,
                                 second.z * high.x + first.z * high.y, second.w * high.z + first.w * high.w);
            first = turned;
            *(float4 *)(x + at) = first;
            *(float4 *)(x + at + a.pairs) = second;
        }
        if (stored) {
            storeFour(a.keys, a.type, keys + at, first);
            storeFour(a.keys, a.type, keys + at + a.pairs, second);
        }
    }
}

// Rotation as in rope.cu, storing as `append` in rows.cu. blockIdx.y is a row; a thread does an element of a head, and the pair
// that begins there.
extern "C" __global__ void __launch_bounds__(256) ropeAppend(const __grid_constant__ Append a) {
    waitForPrevious();
    letNextStart();
    int t = blockIdx.y;
    int position = a.rows.positions[t * a.rows.positionStride];
    i64 row = a.rows.row(a.rows.sequences[t * a.rows.sequenceStride], position);
    const float *angles = a.table + clampIndex(position, a.tableRows) * a.tableStride;
    if (a.halves == 2) {
        ropeAppendWide(a, t, position, row, angles);
        return;
    }
    int all = a.heads * a.headSize;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < all + a.columns; i += gridDim.x * blockDim.x) {
        if (i >= all) {
            if (row >= 0) {
                storeElement(a.values, a.type, row * a.valueStride + i - all, a.v[t * a.vStride + i - all]);
            }
            continue;
        }
        int head = i / a.headSize;
        int e = i - head * a.headSize;
        bool rotated = e < 2 * a.pairs;
        int pair = a.halves ? e : e >> 1;
        if (rotated && (a.halves ? e >= a.pairs : e & 1)) {
            continue;
        }
        int other = a.halves ? i + a.pairs : i + 1;
        float *at = a.x + t * a.xStride;
        float first = at[i];
        float second = 0.0f;
        if (rotated && position >= 0) {
            float cos = angles[2 * pair];
            float sin = angles[2 * pair + 1];
            second = at[other];
            float turned = first * cos - second * sin;
            second = second * cos + first * sin;
            first = turned;
            at[i] = first;
            at[other] = second;
        }
        if (head >= a.firstKey && row >= 0) {
            i64 to = row * a.keyStride - a.firstKey * a.headSize;
            storeElement(a.keys, a.type, to + i, first);
            if (rotated) {
                storeElement(a.keys, a.type, to + other, second);
            }
        }
    }
}
