// What both kinds of attention of training need: see train_attend.cu and train_flash.cu.

// Which rows belong together: tile i is rows x to y, of the sequence from z to w; without rows in a sequence, z = w.
// Made from ascending starts for tiles of `size` rows; unused tiles have no rows.
extern "C" __global__ void __launch_bounds__(1024)
    trainTiles(int4 *tiles, int capacity, int size, const int *starts, i64 stride, int count, int rows) {
    __shared__ int sums[1024];
    __shared__ int done;
    if (threadIdx.x == 0) {
        done = 0;
    }
    __syncthreads();
    // Items: the rows before all sequences, every sequence, the rows behind them.
    for (int base = 0; base <= count; base += 1024) {
        int i = base + threadIdx.x, first = 0, end = 0;
        if (i <= count) {
            first = i == 0 ? 0 : min(max(starts[(i - 1) * stride], 0), rows);
            end = i == count ? rows : min(max(starts[i * stride], 0), rows);
        }
        int own = end > first ? (end - first + size - 1) / size : 0;
        sums[threadIdx.x] = own;
        __syncthreads();
        for (int offset = 1; offset < 1024; offset <<= 1) {
            int other = threadIdx.x >= offset ? sums[threadIdx.x - offset] : 0;
            __syncthreads();
            sums[threadIdx.x] += other;
            __syncthreads();
        }
        bool outside = i == 0 || i == count;
        int at = done + sums[threadIdx.x] - own;
        for (int j = 0; j < own && at + j < capacity; j++) {
            tiles[at + j] = make_int4(first + j * size, min(end, first + (j + 1) * size), outside ? 0 : first, outside ? 0 : end);
        }
        __syncthreads();
        if (threadIdx.x == 0) {
            done += sums[1023];
        }
        __syncthreads();
    }
    for (int i = done + threadIdx.x; i < capacity; i += blockDim.x) {
        tiles[i] = make_int4(0, 0, 0, 0);
    }
}

// delta[t][h] = dout . out of a row's head; eight lanes each.
extern "C" __global__ void trainDelta(float *delta, ROWS(dout), ROWS(out), int rows, int heads, int headSize) {
    OPEN(dout);
    OPEN(out);
    int lane = threadIdx.x & 7;
    u64 count = (u64)rows * heads, whole = (count + 3) / 4 * 4;
    for (u64 i = blockIdx.x * (u64)(blockDim.x >> 3) + (threadIdx.x >> 3); i < whole; i += (u64)gridDim.x * (blockDim.x >> 3)) {
        int t = (int)(i / heads), h = (int)(i - (u64)t * heads);
        float sum = 0.0f;
        if (i < count) {
            for (int e = lane; e < headSize; e += 8) {
                sum = fmaf(get(dout, t, h * headSize + e), get(out, t, h * headSize + e), sum);
            }
        }
#pragma unroll
        for (int offset = 4; offset > 0; offset >>= 1) {
            sum += __shfl_xor_sync(FULL, sum, offset);
        }
        if (i < count && lane == 0) {
            delta[i] = sum;
        }
    }
}
