package dev.lte.cpu;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How a weight matrix lies in memory: tiles of {@value #ROWS} rows (output features), each tile holding for every column k
 * the elements of its rows side by side, so that a vector lane is a row. One tile is one contiguous run of bytes.
 *
 * <p>Elements of 16 bits are in position order: position 2i holds row i, position 2i + 1 row 8 + i. Shifting and
 * masking an int lane of two positions then yields rows 0 to 7 and rows 8 to 15 in order, without any lane crossing, for every
 * vector width.
 *
 * <p>Loops over columns are flat: C2 neither hoists bounds checks out of short inner loops nor unrolls them well, and more than
 * about forty vector operations in one method make it box. Measured on two layouts, nested loops ran at half the speed.
 *
 * <p>Implementations have no state; kernels work on native memory only, whose bounds and lifetime every access checks.
 */
abstract sealed class TileFormat
        permits TileF32,
                TileBf16,
                TileF16,
                TileQ8,
                TileQ4,
                TileQ4K,
                TileQ6K,
                ColumnsBf16,
                ColumnsF16,
                ColumnsQ8,
                ColumnsQ4,
                ColumnsQ4K,
                ColumnsQ6K {
    /** Rows of a tile. */
    static final int ROWS = 16;

    /**
     * The order in which {@link #multiply} adds up the terms of one output. A product of many tokens has to keep to it
     * ({@link PanelProduct}).
     */
    enum SumOrder {
        /** Added to out one by one. */
        SEQUENTIAL,
        /** A sum of the even columns plus one of the odd columns, added to out. */
        ALTERNATING,
        /** Of prepared activations: the excess times the scales, added to out; then groups of four columns times the scale. */
        GROUPED,
        /** Of prepared activations, block by block: all terms plus the excess, times the scale, added to out. */
        BLOCKWISE
    }

    private final DType dtype;
    private final SumOrder order;

    TileFormat(DType dtype, SumOrder order) {
        this.dtype = dtype;
        this.order = order;
    }

    /** The format in which weights of a {@linkplain BlockDecoder#supports supported} type are kept. */
    static TileFormat of(DType dtype) {
        return switch (dtype) {
            case F32 -> TileF32.INSTANCE;
            case F16 -> TileF16.INSTANCE;
            case BF16 -> TileBf16.INSTANCE;
            case Q8_0 -> TileQ8.INSTANCE;
            case Q4_0 -> TileQ4.INSTANCE;
            case Q4_K -> TileQ4K.INSTANCE;
            case Q6_K -> TileQ6K.INSTANCE;
            default -> throw new IllegalArgumentException("weights of type " + dtype + " have no kernels");
        };
    }

    /**
     * The format of a down projection of an expert, which has few columns and many rows: all but F32 go column group by
     * column group through all rows, so that loops stay long.
     */
    static TileFormat ofDown(DType dtype) {
        TileFormat format = of(dtype);
        return switch (format) {
            case TileQ8 tiles -> ColumnsQ8.INSTANCE;
            case TileQ4 tiles -> ColumnsQ4.INSTANCE;
            case TileQ4K tiles -> ColumnsQ4K.INSTANCE;
            case TileQ6K tiles -> ColumnsQ6K.INSTANCE;
            case TileBf16 tiles -> ColumnsBf16.INSTANCE;
            case TileF16 tiles -> ColumnsF16.INSTANCE;
            default -> format;
        };
    }

    final SumOrder order() {
        return order;
    }

    /** The file type with the same bits. */
    final DType dtype() {
        return dtype;
    }

    /** Tiles have a multiple of so many columns, the rest being zeros. */
    int columnMultiple() {
        return dtype.blockSize();
    }

    /** Bytes of a tile of {@code k} columns, a whole number of blocks. */
    long tileBytes(int k) {
        return ROWS * dtype.byteSize(k);
    }

    /** Bytes of a row of {@code k} columns as {@link RowReader} hands it out: as in a file, or {@link SplitGroups}. */
    int rowBytes(int k) {
        return Math.toIntExact(dtype.byteSize(k));
    }

    /** Columns that share a scale, in a block type. */
    int scaleColumns() {
        return 32;
    }

    /**
     * Interleaves rows.
     *
     * @param rows {@value #ROWS} rows one after the other, each {@link #rowBytes} bytes
     * @param tile receives {@link #tileBytes} bytes
     */
    abstract void pack(byte[] rows, int k, byte[] tile);

    /**
     * Packs columns {@code first} to {@code first + count} of all rows of a weight straight from its bytes, if the format has a
     * shorter way to do so than row by row.
     *
     * @param k columns of a tile
     * @param out receives the tiles of all rows
     * @return false if it has none, in which case nothing is written
     */
    boolean packColumns(WeightData data, int first, int count, int k, byte[] out) {
        return false;
    }

    /** Floats that {@link #prepare} makes of k activations; 0 if {@link #multiply} takes them as they are. */
    int prepared(int k) {
        return 0;
    }

    /** Brings k activations, a whole number of blocks, into the form that {@link #multiply} wants. */
    void prepare(float[] x, int xStart, int k, float[] out, int outStart) {
        throw new UnsupportedOperationException(dtype + " takes activations as they are");
    }

    /** Floats of scratch memory that {@link #multiply} needs for this many tiles of {@code k} columns. */
    int scratch(int tiles, int k) {
        return 0;
    }

    /** Stores a packed tile. */
    void store(byte[] packed, MemorySegment w, long start, int allTiles, int tile, int k) {
        MemorySegment.copy(packed, 0, w, ValueLayout.JAVA_BYTE, start + tile * tileBytes(k), packed.length);
    }

    /**
     * {@code out[16 i + r] += sum over c of tile i [r][c] * x[c]} for {@code tiles} tiles from {@code tile} on. F32 sums.
     *
     * @param w the packed weights
     * @param start byte offset of the matrix
     * @param allTiles of the matrix
     * @param columns of the matrix
     * @param first column to multiply with; 0 for block types
     * @param k columns to multiply with; all of them for block types
     * @param x activations, {@linkplain #prepare prepared} if need be, from index {@code xStart}
     * @param out sums, from index {@code outStart}
     * @param scratch at least {@link #scratch} floats
     */
    abstract void multiply(
            MemorySegment w,
            long start,
            int allTiles,
            int tile,
            int tiles,
            int columns,
            int first,
            int k,
            float[] x,
            int xStart,
            float[] out,
            int outStart,
            float[] scratch);

    /**
     * Decodes one tile: {@code out[c * outStride + column + r] = tile[r][first + c]} for {@code count} columns. Weights of
     * block types come without their scale, and as prepared activations want them.
     *
     * @param start byte offset of the matrix
     * @param allTiles of the matrix
     * @param columns of the matrix
     * @param first column, the beginning of a block
     */
    abstract void decode(
            MemorySegment w,
            long start,
            int allTiles,
            int tile,
            int columns,
            int first,
            int count,
            float[] out,
            int outStride,
            int column);

    /** Whether {@link #decodePlainly} has plain loops. */
    boolean decodesPlainly() {
        return false;
    }

    /** As {@link #decode}, with the same bits, for code that is not compiled yet: in plain loops where the format has some. */
    void decodePlainly(
            MemorySegment w,
            long start,
            int allTiles,
            int tile,
            int columns,
            int first,
            int count,
            float[] out,
            int outStride,
            int column) {
        decode(w, start, allTiles, tile, columns, first, count, out, outStride, column);
    }

    /** Decodes the scales of one tile of a block type: {@code out[block * outStride + column + r]}. */
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        throw new UnsupportedOperationException(dtype + " has no scales");
    }

    /** As {@link #decodeScales}, with the same numbers, for code that is not compiled yet. */
    void decodeScalesPlainly(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        decodeScales(w, start, allTiles, tile, columns, out, outStride, column);
    }

    /**
     * Decodes columns {@code first} to {@code first + count}, whole blocks, of row {@code r} of a tile of k columns.
     *
     * @throws UnsupportedOperationException if the format is one {@linkplain #ofDown of down projections}, whose rows nothing reads
     */
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        throw new UnsupportedOperationException("rows of a down projection in " + dtype + " are not read");
    }

    /** Byte offset of a column in a tile of a plain type. */
    final long columnOffset(int column) {
        return column == 0 ? 0 : ROWS * dtype.byteSize(column);
    }

    /** Where row r stands among 16 interleaved elements. */
    static int position(int r) {
        return r < 8 ? 2 * r : 2 * (r - 8) + 1;
    }
}
