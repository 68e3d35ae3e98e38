package org.bitscarp.model.internal;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bitscarp.model.ModelException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Typed, range-checked values of a JSON object. A key with the value {@code null} counts as absent. */
public final class ConfigFields {
    private final Path file;
    private final String prefix;
    private final ObjectNode node;

    public ConfigFields(Path file, String prefix, ObjectNode node) {
        this.file = file;
        this.prefix = prefix;
        this.node = node;
    }

    public boolean has(String key) {
        return node.hasNonNull(key);
    }

    public JsonNode raw(String key) {
        return node.path(key);
    }

    public int requiredInt(String key, int max) throws ModelException {
        if (!has(key)) {
            throw new ModelException(file + ": " + prefix + key + " is missing; expected an integer from 1 to " + max);
        }
        return intOr(key, 0, max);
    }

    /** An integer from 1 to {@code max}. */
    public int intOr(String key, int absent, int max) throws ModelException {
        if (!has(key)) {
            return absent;
        }
        JsonNode value = node.get(key);
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1 || value.intValue() > max) {
            throw wrong(key, "an integer from 1 to " + max);
        }
        return value.intValue();
    }

    public boolean booleanOr(String key, boolean absent) throws ModelException {
        if (!has(key)) {
            return absent;
        }
        if (!node.get(key).isBoolean()) {
            throw wrong(key, "true or false");
        }
        return node.get(key).booleanValue();
    }

    public Optional<String> string(String key) throws ModelException {
        if (!has(key)) {
            return Optional.empty();
        }
        if (!node.get(key).isString()) {
            throw wrong(key, "a string");
        }
        return Optional.of(node.get(key).stringValue());
    }

    /** A finite number from {@code min} to {@code max}. */
    public OptionalDouble number(String key, double min, double max) throws ModelException {
        if (!has(key)) {
            return OptionalDouble.empty();
        }
        JsonNode value = node.get(key);
        double number = value.isNumber() ? value.doubleValue() : Double.NaN;
        if (!(number >= min && number <= max)) {
            throw wrong(key, "a number from " + min + " to " + max);
        }
        return OptionalDouble.of(number);
    }

    public double requiredNumber(String key, double min, double max) throws ModelException {
        OptionalDouble value = number(key, min, max);
        if (value.isEmpty()) {
            throw new ModelException(file + ": " + prefix + key + " is missing; expected a number");
        }
        return value.getAsDouble();
    }

    public Optional<ConfigFields> object(String key) throws ModelException {
        if (!has(key)) {
            return Optional.empty();
        }
        if (!(node.get(key) instanceof ObjectNode object)) {
            throw wrong(key, "an object or null");
        }
        return Optional.of(new ConfigFields(file, prefix + key + ".", object));
    }

    public ModelException wrong(String key, String expected) {
        return new ModelException(
                file + ": " + prefix + key + ": expected " + expected + ", found " + Json.kind(node.path(key)));
    }
}
