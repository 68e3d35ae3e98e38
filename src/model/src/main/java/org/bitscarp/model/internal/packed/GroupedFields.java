package org.bitscarp.model.internal.packed;

import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.ConfigFields;
import tools.jackson.databind.JsonNode;

/** Fields that several quantizers' configurations have. */
final class GroupedFields {
    private static final int MAX_GROUP = 1 << 24;

    private GroupedFields() {}

    /** Inputs that share a scale, or −1 for all of them. */
    static int groupSize(ConfigFields fields, String key) throws ModelException {
        JsonNode value = fields.raw(key);
        return value.isIntegralNumber() && value.canConvertToInt() && value.intValue() == -1
                ? -1
                : fields.requiredInt(key, MAX_GROUP);
    }

    /** Refuses a switch that changes the model's results unless it is absent, false or empty. */
    static void refuse(ConfigFields fields, String key, String why) throws ModelException {
        JsonNode value = fields.raw(key);
        boolean off = !fields.has(key)
                || value.isBoolean() && !value.booleanValue()
                || value.isContainer() && value.isEmpty();
        if (!off) {
            throw fields.wrong(key, "none, since " + why + " is not supported");
        }
    }
}
