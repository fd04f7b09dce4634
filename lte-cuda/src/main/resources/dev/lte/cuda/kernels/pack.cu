// From the rows of a model file to the layout of the kernels. Source row s goes to row (s / run) * pitch + s % run + offset, and
// piece g of its columns, blockIdx.z, to the row `piecePitch` x g further down. Rows are padded with zeros to `toStride` bytes.

__device__ __forceinline__ i64 target(int s, int run, int pitch, int offset, i64 piecePitch) {
    return (i64)(s / run) * pitch + s % run + offset + piecePitch * blockIdx.z;
}

// A slab of raw rows, of which the first is row `first`. Units are elements, or blocks of 32.
extern "C" __global__ void packRows(u8 *to, u16 *toScales, i64 toStride, const u8 *raw, i64 rawStride, int type, int first,
                                    int rows, int columns, int run, int pitch, int offset, i64 piecePitch) {
    int size = type == F32 ? 4 : type == Q8_0 ? 32 : type == Q4_0 ? 16 : 2;
    int blockBytes = type == Q8_0 || type == Q4_0 ? size + 2 : size;
    int units = type == Q8_0 || type == Q4_0 ? columns / 32 : columns;
    for (int s = blockIdx.y; s < rows; s += gridDim.y) {
        const u8 *from = raw + s * rawStride + (i64)blockIdx.z * units * blockBytes;
        i64 row = target(first + s, run, pitch, offset, piecePitch);
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < toStride / size; i += gridDim.x * blockDim.x) {
            u8 *at = to + row * toStride + (i64)i * size;
            const u8 *unit = from + (i64)i * blockBytes;
            if (type == F32) {
                *(u32 *)at = i < units ? *(const u32 *)unit : 0;
            } else if (type == F16 || type == BF16) {
                *(u16 *)at = i < units ? *(const u16 *)unit : 0;
            } else if (i < units) {
                toScales[row * units + i] = *(const u16 *)unit;
                for (int j = 0; j < size; j++) {
                    at[j] = unit[2 + j];
                }
            }
        }
    }
}

// The rows of a packed weight, decoded to F32.
extern "C" __global__ void spreadRows(float *to, i64 toStride, const u8 *weight, const u16 *scales, i64 stride, int type,
                                      int allColumns, int rows, int columns, int run, int pitch, int offset,
                                      i64 piecePitch) {
    for (int s = blockIdx.y; s < rows; s += gridDim.y) {
        i64 row = target(s, run, pitch, offset, piecePitch);
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < toStride / 4; i += gridDim.x * blockDim.x) {
            to[row * (toStride / 4) + i] =
                i < columns ? element(type, weight + s * stride, scales + (i64)s * (allColumns >> 5), blockIdx.z * columns + i)
                            : 0.0f;
        }
    }
}
