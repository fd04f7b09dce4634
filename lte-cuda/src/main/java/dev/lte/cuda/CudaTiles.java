package dev.lte.cuda;

import static dev.lte.cuda.CudaCheck.check;

import dev.lte.backend.DType;
import dev.lte.cuda.CudaBlas.Address;
import java.util.Arrays;
import org.bytedeco.cuda.cudart.CUtensorMap;
import org.bytedeco.cuda.global.cudart;

/** Descriptions of matrices in device memory for the copies of Hopper's kernels, which bring and take them box by box. Not thread-safe. */
final class CudaTiles {
    /** Bytes of a description. */
    static final int BYTES = 128;

    private final Address address = new Address();

    /**
     * Rows of {@code columns} elements.
     *
     * @param stride bytes from row to row, a multiple of 16, as is the address
     * @param boxColumns of together 128 bytes
     */
    void rows(
            CUtensorMap to, DType dtype, long from, long rows, long columns, long stride, int boxRows, int boxColumns) {
        encode(to, dtype, from, new long[] {columns, rows}, new long[] {stride}, new int[] {boxColumns, boxRows}, 128);
    }

    /** A BF16 weight that lies expert after expert, in boxes of 32 columns. */
    void experts(CUtensorMap to, Segment weight, int experts, int outputs, int expertSize, int boxRows) {
        encode(
                to,
                DType.BF16,
                weight.address(),
                new long[] {expertSize, outputs, experts},
                new long[] {weight.stride(), weight.stride() * outputs},
                new int[] {32, boxRows, 1},
                64);
    }

    private void encode(CUtensorMap to, DType dtype, long from, long[] sizes, long[] strides, int[] box, int bytes) {
        int type = switch (dtype) {
            case F32 -> cudart.CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
            case F16 -> cudart.CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
            case BF16 -> cudart.CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
            default -> throw new IllegalArgumentException("expected F32, F16 or BF16, found " + dtype);
        };
        int[] steps = new int[sizes.length];
        Arrays.fill(steps, 1);
        check(
                "cuTensorMapEncodeTiled",
                cudart.cuTensorMapEncodeTiled(
                        to,
                        type,
                        sizes.length,
                        address.set(from),
                        sizes,
                        strides,
                        box,
                        steps,
                        cudart.CU_TENSOR_MAP_INTERLEAVE_NONE,
                        bytes == 128 ? cudart.CU_TENSOR_MAP_SWIZZLE_128B : cudart.CU_TENSOR_MAP_SWIZZLE_64B,
                        cudart.CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                        cudart.CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE));
    }
}
