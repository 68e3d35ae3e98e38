package org.bitscarp.eval.report;

import java.io.IOException;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/** Fields of a JSON object that somebody else wrote: there, and of the expected type, or an error that names them. */
abstract class JsonFields {
    final String source;

    /** @param source of the JSON, for messages */
    JsonFields(String source) {
        this.source = source;
    }

    JsonNode field(JsonNode node, String name) throws IOException {
        JsonNode value = node.get(name);
        if (value == null) {
            throw new IOException(source + " is not a complete sweep result: field " + name + " is missing");
        }
        return value;
    }

    JsonNode object(JsonNode node, String name) throws IOException {
        return checked(field(node, name), name, JsonNode::isObject, "an object");
    }

    JsonNode array(JsonNode node, String name) throws IOException {
        return checked(field(node, name), name, JsonNode::isArray, "an array");
    }

    String text(JsonNode node, String name) throws IOException {
        JsonNode value = checked(field(node, name), name, n -> n.isString() || n.isNull(), "a string");
        return value.isNull() ? null : value.asString();
    }

    long integer(JsonNode node, String name) throws IOException {
        return checked(field(node, name), name, n -> n.isIntegralNumber() && n.canConvertToLong(), "an integer")
                .asLong();
    }

    int count(JsonNode node, String name) throws IOException {
        return checked(field(node, name), name, n -> n.isIntegralNumber() && n.canConvertToInt(), "a count")
                .asInt();
    }

    boolean flag(JsonNode node, String name) throws IOException {
        return checked(field(node, name), name, JsonNode::isBoolean, "true or false")
                .asBoolean();
    }

    double number(JsonNode node, String name) throws IOException {
        return number(field(node, name), name, "");
    }

    double[] numbers(JsonNode node, String name) throws IOException {
        JsonNode array = checked(field(node, name), name, n -> n.isArray() || n.isNull(), "an array of numbers");
        if (array.isNull()) {
            return null;
        }
        double[] values = new double[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = number(array.get(i), name, "[" + i + "]");
        }
        return values;
    }

    double number(JsonNode value, String name, String index) throws IOException {
        JsonNode number = checked(value, name + index, n -> n.isNumber() || n.isNull(), "a number or null");
        return number.isNull() ? Double.NaN : number.asDouble();
    }

    JsonNode checked(JsonNode value, String name, Predicate<JsonNode> test, String expected) throws IOException {
        if (!test.test(value)) {
            String found = value.toString();
            throw new IOException(source + ": field " + name + " is "
                    + (found.length() > 40 ? found.substring(0, 40) + "…" : found) + ", expected " + expected);
        }
        return value;
    }
}
