// What the attention kernels of passes over a cache share: where rows stand, and their arguments. Shapes as in attention.cu.

struct Rows {
    const int *positions;
    i64 positionStride;
    const int *sequences;
    i64 sequenceStride;
    const int *pages;
    i64 pageStride;
    i64 cacheRows;
    int sequenceCount;
    int perSequence;
    int pageSize;
    int unused;

    __device__ __forceinline__ i64 row(int sequence, int position) const {
        return cacheRow(pages, pageStride, sequenceCount, perSequence, pageSize, cacheRows, sequence, position);
    }
};

struct Attend {
    float *out;
    i64 outStride;
    const float *q;
    i64 qStride;
    const u8 *keys;
    i64 keyStride;
    const u8 *values;
    i64 valueStride;
    float *states;        // (T, H, parts, E + 2)
    u32 *tickets;         // (T, groups of heads), zero between kernels
    int count;            // T
    int heads;
    int keyHeads;
    int headSize;
    int causal;
    int window;
    int parts;
    int ahead;            // whether the kernel in front stores the keys and values of these rows, and nothing else is new
    float scale;
    float cap;
    Rows rows;
};

#define LOWEST -1e30f
