// Rotates pair i of every head by the angle of the row's position: (a, b) -> (a cos - b sin, b cos + a sin). x (T, H x E) F32 in
// place, positions (T), table (P, 2 x pairs) with the cosine in column 2i and the sine in column 2i + 1. Negative positions
// are padding, those beyond the table take its last row.

extern "C" __global__ void rope(float *x, i64 stride, const int *positions, i64 positionStride, const float *table,
                                i64 tableStride, int tableRows, int rows, int heads, int headSize, int pairs, int halves) {
    for (int t = blockIdx.y; t < rows; t += gridDim.y) {
        int position = positions[t * positionStride];
        if (position < 0) {
            continue;
        }
        const float *angles = table + clampIndex(position, tableRows) * tableStride;
        for (int p = blockIdx.x * blockDim.x + threadIdx.x; p < heads * pairs; p += gridDim.x * blockDim.x) {
            int i = p % pairs;
            float *head = x + t * stride + (i64)(p / pairs) * headSize;
            float *first = head + (halves ? i : 2 * i);
            float *second = head + (halves ? i + pairs : 2 * i + 1);
            float a = *first;
            float b = *second;
            float cos = angles[2 * i];
            float sin = angles[2 * i + 1];
            *first = a * cos - b * sin;
            *second = b * cos + a * sin;
        }
    }
}
