package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;

/**
 * Which columns share a scale: runs of {@code size}, or each column by a tensor {@code g_idx} where a quantizer went
 * through the columns in another order.
 *
 * @param count number of groups
 * @param size columns of a group, the last one possibly shorter
 * @param order null for runs
 * @param mayBeUnset whether −1 everywhere means runs, as compressed-tensors writes where no order was set
 */
record ColumnGroups(int count, int size, Part order, boolean mayBeUnset) {
    /** Runs of columns. */
    static ColumnGroups runs(int columns, int size) {
        return new ColumnGroups(Math.ceilDiv(columns, size), size, null, false);
    }

    /** @param order I32 {@code [columns]}; its values are checked when they are read */
    ColumnGroups by(Part order, boolean mayBeUnset) {
        return new ColumnGroups(count, size, order, mayBeUnset);
    }

    /** The group of each column, or null for runs. */
    int[] read() throws IOException {
        if (order == null) {
            return null;
        }
        int[] groups = order.integers();
        if (mayBeUnset && Arrays.stream(groups).allMatch(group -> group == -1) || inOrder(groups)) {
            return null;
        }
        for (int column = 0; column < groups.length; column++) {
            if (groups[column] < 0 || groups[column] >= count) {
                throw order.wrong("puts column " + column + " into group " + groups[column] + "; there are " + count
                        + " groups, counted from 0");
            }
        }
        return groups;
    }

    private boolean inOrder(int[] groups) {
        for (int column = 0; column < groups.length; column++) {
            if (groups[column] != column / size) {
                return false;
            }
        }
        return true;
    }

    long byteSize() {
        return order == null ? 0 : order.byteSize();
    }

    /** @throws ModelException where the tensor is not one index for each column */
    static Part checkOrder(Part order, int columns) throws ModelException {
        return order.checked(List.of((long) columns), "an index for each input", SafetensorsType.I32);
    }
}
