// What the kernels of down projections of few rows share: their arguments. Blocks have WARPS warps.
#include "experts.cuh"
#include "turn.cuh"

struct Down {
    float *y;
    i64 yStride;
    const float *hidden;
    i64 hiddenStride;
    const u8 *weight;
    const u16 *scales;
    i64 stride;
    const float *bias;
    int rows;
    int model;
    int expertSize;
    int lanes;
    int mode;
    int staged;           // whether the hidden activations of the one row fit into shared memory
    int slots;            // of a warp's ring that pieces of the weight come through
    int unused;
    Experts experts;
    Turn turn;            // of bulk copies
};

