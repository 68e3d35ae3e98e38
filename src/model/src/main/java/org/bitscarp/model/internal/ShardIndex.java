package org.bitscarp.model.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.bitscarp.model.ModelException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * {@code model.safetensors.index.json}: which shard holds which tensor.
 *
 * @param weightMap tensor name to plain file name
 */
record ShardIndex(Map<String, String> weightMap) {
    private static final long MAX_BYTES = 100_000_000;
    private static final int MAX_ENTRIES = 500_000;

    /** File descriptors are held per shard; the largest published models have about 200. */
    private static final int MAX_SHARDS = 10_000;

    static ShardIndex read(Path file) throws IOException {
        Json.checkSize(file, MAX_BYTES);
        Map<String, String> map = null;
        try (InputStream in = Files.newInputStream(file);
                JsonParser json = Json.parser(in)) {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw new ModelException(file + ": expected a JSON object, found " + json.currentToken());
            }
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                boolean wanted = json.currentName().equals("weight_map");
                JsonToken value = json.nextToken();
                if (wanted) {
                    if (value != JsonToken.START_OBJECT) {
                        throw new ModelException(file + ": weight_map: expected an object, found " + value);
                    }
                    map = readMap(file, json);
                } else {
                    json.skipChildren();
                }
            }
            if (json.nextToken() != null) {
                throw new ModelException(file + ": text after the end of the JSON object");
            }
        } catch (JacksonException e) {
            throw Json.invalid(file, e);
        }
        if (map == null || map.isEmpty()) {
            throw new ModelException(file + ": no weight_map, so it does not say which shards hold the tensors");
        }
        return new ShardIndex(map);
    }

    private static Map<String, String> readMap(Path file, JsonParser json) throws ModelException {
        Map<String, String> map = new LinkedHashMap<>();
        Map<String, String> shared = new LinkedHashMap<>();
        while (json.nextToken() == JsonToken.PROPERTY_NAME) {
            String tensor = json.currentName();
            if (json.nextToken() != JsonToken.VALUE_STRING) {
                throw new ModelException(
                        file + ": weight_map " + tensor + ": expected a file name, found " + json.currentToken());
            }
            String shard = json.getString();
            if (!plainName(shard)) {
                throw new ModelException(file + ": weight_map " + tensor + ": \"" + shard
                        + "\" is not a plain file name in the same folder, so it is not followed");
            }
            shared.putIfAbsent(shard, shard);
            map.put(tensor, shared.get(shard));
            if (map.size() > MAX_ENTRIES || shared.size() > MAX_SHARDS) {
                throw new ModelException(file + ": more than " + MAX_ENTRIES + " tensors or " + MAX_SHARDS + " shards");
            }
        }
        return map;
    }

    private static boolean plainName(String name) {
        try {
            Path.of(name);
        } catch (InvalidPathException e) {
            // Not a name that this platform can have, e.g. half of a surrogate pair.
            return false;
        }
        return !name.isBlank()
                && name.length() <= 255
                && name.chars().noneMatch(c -> c < ' ' || c == '/' || c == '\\' || c == ':')
                && !name.equals("..")
                && !name.equals(".");
    }

    TreeSet<String> shards() {
        return new TreeSet<>(weightMap.values());
    }
}
