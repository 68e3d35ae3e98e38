package org.bitscarp.model.export;

/**
 * What an export has written.
 *
 * @param files files of weights
 * @param bytes their size together
 * @param packed number of packed maps
 * @param copied number of tensors that were copied as they are
 * @param wrapped zero points of 0 that version 1 stores as 2^bits − 1. Bitscarp reads them back; kernels that add 1 to
 *     whole words do not, so version 2 is the better choice where there are any
 */
public record GptqSummary(int files, long bytes, int packed, int copied, long wrapped) {}
