package dev.lte.backend;

/**
 * Where the T rows of a pass belong. All four are I32 tensors written by the host before the pass, so that a recorded pass
 * can be replayed for other tokens. Rows of one sequence are consecutive and in ascending position.
 *
 * <p>The key/value cache of a layer is a pair of tensors (pages x pageSize, K x E). Position p of a sequence lives in row
 * {@code pageTable[sequence][p / pageSize] * pageSize + p % pageSize}.
 *
 * @param positions (T, 1): position of each row in its sequence, from 0; -1 marks a padding row, whose results are undefined
 *     but whose computation must be harmless
 * @param sequences (T, 1): the row's line in the page table
 * @param pageTable (B, P): page numbers of each sequence; entries beyond the pages in use are undefined
 * @param pageSize positions in one page
 */
public record RowBatch(Tensor positions, Tensor sequences, Tensor pageTable, int pageSize) {}
