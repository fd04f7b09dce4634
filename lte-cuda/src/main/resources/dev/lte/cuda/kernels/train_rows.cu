// Rows of training: embeddings, rotations, copies, sums over rows. Every element by itself unless said otherwise.

// out[t] = scale * table[ids[t]], or x[t] without ids; added to out if add. out (T, D), table (V, D), ids (T) with a stride.
template <int V>
__device__ __forceinline__ void embed(Rows out, Rows table, const int *ids, i64 idStride, int vocabulary, int rows, int columns,
                                      float scale, int add) {
    for (Walk at(rows, columns / V); at.inside(); at.next()) {
        int t = at.t, c = at.c * V;
        int from = ids ? clampIndex(ids[t * idStride], vocabulary) : t;
        float value[V], before[V];
        load<V>(table, from, c, value);
        if (add) {
            load<V>(out, t, c, before);
        }
#pragma unroll
        for (int j = 0; j < V; j++) {
            value[j] = add ? before[j] + scale * value[j] : scale * value[j];
        }
        store<V>(out, t, c, value);
    }
}

#define EMBED(V)                                                                                                            \
    extern "C" __global__ void trainEmbed_##V(ROWS(out), ROWS(table), const int *ids, i64 idStride, int vocabulary, int rows, \
                                              int columns, float scale, int add) {                                         \
        OPEN(out);                                                                                                         \
        OPEN(table);                                                                                                       \
        embed<V>(out, table, ids, idStride, vocabulary, rows, columns, scale, add);                                        \
    }
EMBED(1)
EMBED(4)

// Ids that a block collects the rows of, columns that it adds up, and rows that it looks through at a time.
#define IDS 16
#define WIDTH 256
#define LOOK 1024

// sums[v] = scale * sum of dout[t] over the t of this part with ids[t] = v, in ascending order. A block takes IDS ids, WIDTH
// columns and a part of the rows. With one part, sums is added to `to`; else parts lie behind each other, partStride apart.
extern "C" __global__ void trainScatter(float *to, i64 toStride, i64 partStride, ROWS(dout), const int *ids, i64 idStride,
                                        int vocabulary, int rows, int columns, float scale, int perPart) {
    __shared__ float sums[IDS][WIDTH];
    __shared__ int found[LOOK];
    __shared__ int counts[32];
    __shared__ int total;
    OPEN(dout);
    int first = blockIdx.x * IDS, column = blockIdx.y * WIDTH + threadIdx.x;
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int from = blockIdx.z * perPart, end = min(rows, from + perPart);
    u32 seen = 0;
    for (int i = 0; i < IDS; i++) {
        sums[i][threadIdx.x] = 0.0f;
    }
    for (int base = from; base < end; base += LOOK) {
        int local[LOOK / WIDTH];
        u32 masks[LOOK / WIDTH];
        bool any = false;
#pragma unroll
        for (int k = 0; k < LOOK / WIDTH; k++) {
            int t = base + k * WIDTH + threadIdx.x;
            local[k] = t < end ? clampIndex(ids[t * idStride], vocabulary) - first : -1;
            masks[k] = __ballot_sync(FULL, local[k] >= 0 && local[k] < IDS);
            any |= masks[k] != 0;
        }
        if (!__syncthreads_or(any)) {
            continue;
        }
#pragma unroll
        for (int k = 0; k < LOOK / WIDTH; k++) {
            if (lane == 0) {
                counts[k * (WIDTH / 32) + warp] = __popc(masks[k]);
            }
        }
        __syncthreads();
        if (warp == 0) {
            int count = counts[lane], sum = count;
            for (int offset = 1; offset < 32; offset <<= 1) {
                int other = __shfl_up_sync(FULL, sum, offset);
                sum += lane >= offset ? other : 0;
            }
            counts[lane] = sum - count;
            if (lane == 31) {
                total = sum;
            }
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < LOOK / WIDTH; k++) {
            if (masks[k] >> lane & 1) {
                int at = counts[k * (WIDTH / 32) + warp] + __popc(masks[k] & ((1u << lane) - 1));
                found[at] = (base + k * WIDTH + threadIdx.x) << 4 | local[k];
            }
        }
        __syncthreads();
        int n = total, i = 0;
        if (column < columns) {
            for (; i + 8 <= n; i += 8) {
                float value[8];
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    value[j] = get(dout, found[i + j] >> 4, column);
                }
#pragma unroll
                for (int j = 0; j < 8; j++) {
                    sums[found[i + j] & 15][threadIdx.x] += value[j];
                }
            }
            for (; i < n; i++) {
                sums[found[i] & 15][threadIdx.x] += get(dout, found[i] >> 4, column);
            }
        }
        for (i = 0; i < n; i++) {
            seen |= 1u << (found[i] & 15);
        }
        __syncthreads();
    }
    if (column >= columns) {
        return;
    }
    for (int i = 0; i < IDS && first + i < vocabulary; i++) {
        i64 at = (first + i) * toStride + column;
        if (gridDim.z > 1) {
            to[blockIdx.z * partStride + at] = scale * sums[i][threadIdx.x];
        } else if (seen >> i & 1) {
            to[at] += scale * sums[i][threadIdx.x];
        }
    }
}

// to[r][c] += sum over p of parts[p][r][c], in ascending order of eighths of the parts. 32 columns and 8 groups of parts a block.
extern "C" __global__ void trainAddParts(float *to, i64 toStride, const float *parts, i64 partStride, i64 rowStride, int count,
                                         int rows, int columns) {
    __shared__ float shared[8][33];
    int c = blockIdx.x * 32 + (threadIdx.x & 31), group = threadIdx.x >> 5;
    for (int r = blockIdx.y; r < rows; r += gridDim.y) {
        float sum = 0.0f;
        if (c < columns) {
            for (int p = group; p < count; p += 8) {
                sum += parts[p * partStride + r * rowStride + c];
            }
        }
        shared[group][threadIdx.x & 31] = sum;
        __syncthreads();
        if (group == 0 && c < columns) {
            for (int i = 1; i < 8; i++) {
                sum += shared[i][threadIdx.x];
            }
            to[r * toStride + c] += sum;
        }
        __syncthreads();
    }
}

// parts[p][c] = sum over the rows t of part p of x[t][c]. A block takes 32 x V columns, its 8 warps every eighth row.
template <int V> __device__ __forceinline__ void sumRows(float *parts, Rows x, int rows, int columns, int perPart) {
    __shared__ float shared[8][32 * V];
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    int c = (blockIdx.x * 32 + lane) * V;
    int end = min(rows, (int)(blockIdx.y + 1) * perPart);
    float sum[V];
#pragma unroll
    for (int j = 0; j < V; j++) {
        sum[j] = 0.0f;
    }
    if (c < columns) {
#pragma unroll 4
        for (int t = blockIdx.y * perPart + warp; t < end; t += 8) {
            float value[V];
            load<V>(x, t, c, value);
#pragma unroll
            for (int j = 0; j < V; j++) {
                sum[j] += value[j];
            }
        }
    }
#pragma unroll
    for (int j = 0; j < V; j++) {
        shared[warp][lane * V + j] = sum[j];
    }
    __syncthreads();
    for (int i = threadIdx.x; i < 32 * V; i += blockDim.x) {
        int column = blockIdx.x * 32 * V + i;
        if (column < columns) {
            float all = shared[0][i];
            for (int w = 1; w < 8; w++) {
                all += shared[w][i];
            }
            parts[(i64)blockIdx.y * columns + column] = all;
        }
    }
}

#define SUM_ROWS(V)                                                                                                 \
    extern "C" __global__ void trainSumRows_##V(float *parts, ROWS(x), int rows, int columns, int perPart) {         \
        OPEN(x);                                                                                                    \
        sumRows<V>(parts, x, rows, columns, perPart);                                                               \
    }
SUM_ROWS(1)
SUM_ROWS(4)

// Rotates pair i of every head by the angle of row t's position, or by the opposite one: x (T, heads x E) in place, table
// (positions, rotated) with cosine and sine side by side. Negative positions are padding.
extern "C" __global__ void trainRope(ROWS(x), const int *positions, i64 positionStride, const float *table, i64 tableStride,
                                     int tableRows, int rows, int heads, int headSize, int pairs, int halves, float direction) {
    OPEN(x);
    for (Walk at(rows, heads * pairs); at.inside(); at.next()) {
        int t = at.t, head = at.c / (u32)pairs, pair = at.c - head * pairs;
        int position = positions[t * positionStride];
        if (position < 0) {
            continue;
        }
        const float *angle = table + min(position, tableRows - 1) * tableStride + 2 * pair;
        float cosine = angle[0], sine = direction * angle[1];
        int a = head * headSize + (halves ? pair : 2 * pair);
        int b = halves ? a + pairs : a + 1;
        float first = get(x, t, a), second = get(x, t, b);
        set(x, t, a, first * cosine - second * sine);
        set(x, t, b, second * cosine + first * sine);
    }
}
