package dev.lte.backend;

/**
 * A matrix owned by one {@link Backend}: {@code rows x columns}, where a vector is a matrix of one row. Where its elements
 * live and how they are laid out is the backend's business; elements enter and leave through {@link KernelQueue#write} and
 * {@link KernelQueue#read}.
 *
 * <p>Views ({@link #rowRange}, {@link #columnRange}) share storage with their parent. Only plain types have column views.
 * A tensor is freed with its backend, or earlier by {@link Backend#free}. Using a freed tensor throws
 * {@link IllegalStateException}; it never touches memory that is gone.
 */
public interface Tensor {
    DType dtype();

    int rows();

    int columns();

    /**
     * The rows {@code from} (inclusive) to {@code to} (exclusive).
     *
     * @throws IndexOutOfBoundsException if the range is not inside {@code [0, rows]}
     */
    Tensor rowRange(int from, int to);

    /**
     * The columns {@code from} (inclusive) to {@code to} (exclusive) of every row; the row stride stays the parent's.
     *
     * @throws IndexOutOfBoundsException if the range is not inside {@code [0, columns]}
     * @throws UnsupportedOperationException for block types
     */
    Tensor columnRange(int from, int to);
}
