// What the kernels of products at the speed of memory share: their arguments, sums over lanes and slices of the columns, a norm on
// the way, and what becomes of a sum. Blocks have WARPS warps.
#include "experts.cuh"

struct Stream {
    float *out;           // (T, R), or hidden (T, places x M)
    i64 outStride;
    const float *x;
    i64 xStride;
    const u8 *weight;
    const u16 *scales;
    i64 stride;           // bytes of a row of the weight
    const float *bias;    // of outputs, or of neurons (up); or null
    const float *gain;    // of a norm that x passes first, or null
    const float *normBias;
    float *normed;        // where the norm's result goes
    i64 normedStride;
    float epsilon;
    float offset;
    int layer;            // whether the norm subtracts the mean
    int rows;             // T
    int columns;          // C
    int slices;           // at most the number of warps
    int outputs;          // R of a linear product, 0 of a block
    int constant;         // whether the weight never changes, and, second bit, the gain
    int mode;             // ADD, SIGMOID
    int gated;            // of a block
    int kind;             // its activation
    int expertSize;       // M
    int capacity;         // most weight rows of a block
    int slots;            // of a warp's ring that they come through
    Experts experts;
};

// Sums of COUNT values over the lanes; lane l gets that of value l / (32 / COUNT).
template <int COUNT, int OFFSET, int SIZE> __device__ __forceinline__ float reduceLanes(float (&values)[SIZE]) {
    if constexpr (COUNT > 1) {
        bool upper = threadIdx.x & OFFSET;
#pragma unroll
        for (int i = 0; i < COUNT / 2; i++) {
            float send = upper ? values[i] : values[i + COUNT / 2];
            float keep = upper ? values[i + COUNT / 2] : values[i];
            values[i] = keep + __shfl_xor_sync(FULL, send, OFFSET);
        }
        if constexpr (OFFSET > 1) {
            return reduceLanes<COUNT / 2, OFFSET / 2>(values);
        }
        return values[0];
    } else {
        float sum = values[0];
#pragma unroll
        for (int offset = OFFSET; offset > 0; offset >>= 1) {
            sum += __shfl_xor_sync(FULL, sum, offset);
        }
        return sum;
    }
}

// Sums over all columns, each value that of one row.
template <int ROWS> __device__ __forceinline__ void sliceSums(float (&values)[ROWS], float (*shared)[MOST_WARPS], int slices) {
    int lane = threadIdx.x & 31;
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
        float sum = warpSum(values[t]);
        if (lane == 0) {
            shared[t][threadIdx.x >> 5] = sum;
        }
    }
    __syncthreads();
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
        values[t] = warpSum(lane < slices ? shared[t][lane] : 0.0f);
    }
}

template <int KW, int SIZE>
__device__ __forceinline__ void loadGain(const Stream &a, float (&gain)[KW][SIZE], const int (&at)[KW], const bool (&inside)[KW]) {
#pragma unroll
    for (int k = 0; k < KW; k++) {
        if (inside[k]) {
            loadAligned<SIZE>(a.gain + at[k], gain[k]);
        } else {
#pragma unroll
            for (int i = 0; i < SIZE; i++) {
                gain[k][i] = 0.0f;
            }
        }
    }
}

// The norm of x, whose slices the registers of all warps of a group hold.
template <int ROWS, int KW, int SIZE>
__device__ __forceinline__ void normalise(const Stream &a, float (&x)[ROWS][KW][SIZE], const float (&gain)[KW][SIZE],
                                          const int (&at)[KW], const bool (&inside)[KW], bool write) {
    __shared__ float sums[2][ROWS][MOST_WARPS];
    if (a.layer) {
        float mean[ROWS] = {};
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
#pragma unroll
            for (int k = 0; k < KW; k++) {
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    mean[t] += x[t][k][i];
                }
            }
        }
        sliceSums<ROWS>(mean, sums[0], a.slices);
#pragma unroll
        for (int t = 0; t < ROWS; t++) {
#pragma unroll
            for (int k = 0; k < KW; k++) {
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    x[t][k][i] -= inside[k] ? mean[t] / a.columns : 0.0f;
                }
            }
        }
    }
    float squares[ROWS] = {};
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
#pragma unroll
        for (int k = 0; k < KW; k++) {
#pragma unroll
            for (int i = 0; i < SIZE; i++) {
                squares[t] = fmaf(x[t][k][i], x[t][k][i], squares[t]);
            }
        }
    }
    sliceSums<ROWS>(squares, sums[1], a.slices);
#pragma unroll
    for (int t = 0; t < ROWS; t++) {
        float factor = 1.0f / sqrtf(squares[t] / a.columns + a.epsilon);
#pragma unroll
        for (int k = 0; k < KW; k++) {
#pragma unroll
            for (int i = 0; i < SIZE; i++) {
                x[t][k][i] *= factor * (gain[k][i] + a.offset);
            }
            if (a.normBias && inside[k]) {
                float bias[SIZE];
                loadAligned<SIZE>(a.normBias + at[k], bias);
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    x[t][k][i] += bias[i];
                }
            }
            if (write && t < a.rows && inside[k]) {
#pragma unroll
                for (int i = 0; i < SIZE; i++) {
                    a.normed[t * a.normedStride + at[k] + i] = x[t][k][i];
                }
            }
        }
    }
}

// Output `at` of row t, which lies at `to`, from the sums of the slices: those of the output or the gate, and `upAt` behind them
// those of the neuron if the block is gated.
__device__ __forceinline__ void finish(const Stream &a, int at, int t, float *to, float before, const float *from, int upAt,
                                       const int *list) {
    float sum = 0.0f;
#pragma unroll 4
    for (int i = 0; i < a.slices; i++) {
        sum += from[i];
    }
    if (a.outputs) {
        sum += a.bias ? a.bias[at] : 0.0f;
        sum = a.mode & SIGMOID ? sigmoid(sum) : sum;
        *to = a.mode & ADD ? before + sum : sum;
        return;
    }
    float gate = sum;
    if (a.gated) {
        sum = 0.0f;
#pragma unroll 4
        for (int i = 0; i < a.slices; i++) {
            sum += from[upAt + i];
        }
    }
    int place = at / a.expertSize;
    if (a.bias) {
        int g = a.experts.routed() ? list[place] : place;
        sum += a.bias[g * a.expertSize + at - place * a.expertSize];
    }
    float h = a.gated ? activation(a.kind, gate) * sum : activation(a.kind, sum);
    *to = !a.experts.routed() || list[a.experts.count + place] >> t & 1 ? h : 0.0f;
}
