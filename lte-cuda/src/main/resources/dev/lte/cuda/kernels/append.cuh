// What kernels share that store new keys and values, the keys rotated before. Shapes as in attention.cu.
#include "attend.cuh"

__device__ __forceinline__ void storeElement(u8 *to, int type, i64 at, float value) {
    if (type == F32) {
        ((float *)to)[at] = value;
    } else {
        ((u16 *)to)[at] = type == F16 ? floatToHalf(value) : floatToBrain(value);
    }
}

struct Append {
    float *x;             // (T, heads x E), rotated in place; null if nothing is
    i64 xStride;
    const float *table;
    i64 tableStride;
    u8 *keys;
    i64 keyStride;
    u8 *values;
    i64 valueStride;
    const float *v;       // (T, K x E)
    i64 vStride;
    int tableRows;
    int heads;
    int firstKey;         // the head of x at which the keys begin
    int headSize;
    int pairs;
    int halves;           // 2 if four pairs, and four values, can be taken at a time
    int type;
    int columns;          // K x E
    Rows rows;
};

// Element e of a head, turned as `ropeAppend` does it.
__device__ __forceinline__ float turned(const Append &a, const float *angles, const float *head, int e, bool rotates) {
    float own = head[e];
    if (!rotates || e >= 2 * a.pairs) {
        return own;
    }
    bool second = a.halves ? e >= a.pairs : e & 1;
    int pair = a.halves ? (second ? e - a.pairs : e) : e >> 1;
    float other = head[second ? (a.halves ? e - a.pairs : e - 1) : (a.halves ? e + a.pairs : e + 1)];
    float cos = angles[2 * pair];
    float sin = angles[2 * pair + 1];
    return second ? own * cos + other * sin : own * cos - other * sin;
}
