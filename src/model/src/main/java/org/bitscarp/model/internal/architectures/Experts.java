package org.bitscarp.model.internal.architectures;

import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;

/** Keys of routed feed-forward blocks. */
final class Experts {
    /** Eight times more than the largest published number. */
    static final int MAX = 4096;

    private Experts() {}

    static int perToken(ConfigFields config, int absent, int experts) throws ModelException {
        int count = config.intOr("num_experts_per_tok", absent, MAX);
        if (count > experts) {
            throw config.wrong("num_experts_per_tok", "at most the number of experts (" + experts + ")");
        }
        return count;
    }
}
