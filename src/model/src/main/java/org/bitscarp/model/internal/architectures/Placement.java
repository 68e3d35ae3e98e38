package org.bitscarp.model.internal.architectures;

import org.bitscarp.model.internal.weights.RowOrder;

/**
 * Where a safetensors file holds the weight of a role. In names, {@code {layer}} and {@code {expert}} stand for numbers
 * from 0; names do not carry the model's prefix.
 */
public sealed interface Placement {
    /** Of a tensor; of a module for linear maps, whose tensors may be several where they are quantized. */
    String name();

    /** A vector or a table, as it is. */
    record Plain(String name) implements Placement {}

    /** Rows of a table, or elements of a vector, that holds {@code stored} of them. */
    record Rows(String name, long stored, RowOrder order) implements Placement {}

    /** The gain of a norm that is stored as its difference from 1. */
    record Gain(String name) implements Placement {}

    /** A linear map. */
    record Linear(String name) implements Placement {}

    /** Some of the outputs of a linear map that has {@code stored} of them. */
    record LinearRows(String name, long stored, RowOrder order) implements Placement {}

    /**
     * Outputs {@code [first, first + out)} of a linear map whose plain weights are stored as {@code [in, stored]}
     * ({@code Conv1D}).
     */
    record Columns(String name, long stored, long first) implements Placement {}

    /** A linear map for each expert. */
    record Experts(String name) implements Placement {}
}
