package org.bitscarp.model.internal.gguf;

/** Types of metadata values; the ordinal is the number in the file. */
enum GgufValueType {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    STRING(0),
    ARRAY(0),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    private static final GgufValueType[] TYPES = values();

    private final int bytes;

    GgufValueType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of a value; 0 for strings and arrays, which carry their own length. */
    int bytes() {
        return bytes;
    }

    boolean integer() {
        return switch (this) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
            default -> false;
        };
    }

    /** Null for a number that no version of the format knows. */
    static GgufValueType of(int id) {
        return id >= 0 && id < TYPES.length ? TYPES[id] : null;
    }
}
