package org.bitscarp.model.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * The header of one safetensors file: 8 bytes little-endian length, a JSON object, then the data
 * (<a href="https://huggingface.co/docs/safetensors">format description</a>). All rules of the format are enforced:
 * the tensors cover the data from first to last byte without holes or overlaps, and every size is shape × type.
 *
 * @param tensors in the order of their bytes
 * @param metadata the {@code __metadata__} strings
 */
public record SafetensorsHeader(List<Entry> tensors, Map<String, String> metadata) {
    /** Limit of the reference implementation on the header, bytes. */
    static final long MAX_HEADER_BYTES = 100_000_000;

    /** More tensors than any published model by a factor of five; bounds the memory that a header can claim. */
    private static final int MAX_TENSORS = 500_000;

    private static final int MAX_METADATA = 100_000;
    private static final int MAX_DIMENSIONS = 8;

    /**
     * One tensor.
     *
     * @param begin first byte, counted from the start of the file
     * @param end byte after the last, counted from the start of the file
     */
    public record Entry(String name, SafetensorsType type, List<Long> shape, long begin, long end) {}

    static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
        long size = channel.size();
        if (size < 8) {
            throw new ModelException(
                    file + ": " + size + " bytes; a safetensors file has at least 8 (is the download complete?)");
        }
        ByteBuffer start = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
        while (start.hasRemaining() && channel.read(start, start.position()) > 0) {
            // A positional read may return fewer bytes than asked for.
        }
        long length = start.getLong(0);
        if (length < 2 || length > MAX_HEADER_BYTES || length > size - 8) {
            throw new ModelException(file + ": header length " + Long.toUnsignedString(length) + "; expected 2 to "
                    + Math.min(MAX_HEADER_BYTES, size - 8) + " in a file of " + size
                    + " bytes (not a safetensors file, or an incomplete download)");
        }
        if (start.get(8) != '{') {
            throw new ModelException(file + ": the header does not begin with '{', so this is not a safetensors file");
        }
        return new Parser(file, 8 + length, size).parse(new ChannelInput(channel, 8, 8 + length));
    }

    /** Streams the header: a tree of a hostile header of 100 MB would not fit in memory, its entries do. */
    private static final class Parser {
        private final Path file;
        private final long dataStart;
        private final long fileSize;
        private final Map<String, Entry> tensors = new LinkedHashMap<>();
        private final Map<String, String> metadata = new LinkedHashMap<>();
        private boolean sawMetadata;

        Parser(Path file, long dataStart, long fileSize) {
            this.file = file;
            this.dataStart = dataStart;
            this.fileSize = fileSize;
        }

        SafetensorsHeader parse(InputStream in) throws IOException {
            try (JsonParser json = Json.parser(in)) {
                json.nextToken();
                while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                    String name = json.currentName();
                    if (name.equals("__metadata__") && !sawMetadata) {
                        sawMetadata = true;
                        readMetadata(json);
                    } else if (tensors.put(name, readEntry(name, json)) != null) {
                        throw new ModelException(file + ": tensor " + name + " is listed twice in the header");
                    } else if (tensors.size() > MAX_TENSORS) {
                        throw new ModelException(file + ": more than " + MAX_TENSORS + " tensors in the header");
                    }
                }
                if (json.nextToken() != null) {
                    throw new ModelException(file + ": text after the end of the header's JSON object");
                }
            } catch (JacksonException e) {
                throw Json.invalid(file, e);
            }
            return new SafetensorsHeader(contiguous(), Map.copyOf(metadata));
        }

        private void readMetadata(JsonParser json) throws ModelException {
            expect(json, JsonToken.START_OBJECT, "__metadata__");
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String key = json.currentName();
                expect(json, JsonToken.VALUE_STRING, "__metadata__ " + key);
                if (metadata.size() >= MAX_METADATA) {
                    throw new ModelException(file + ": more than " + MAX_METADATA + " entries in __metadata__");
                }
                metadata.put(key, json.getString());
            }
        }

        private Entry readEntry(String name, JsonParser json) throws ModelException {
            String where = "tensor " + name;
            expect(json, JsonToken.START_OBJECT, where);
            SafetensorsType type = null;
            List<Long> shape = null;
            List<Long> offsets = null;
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String key = json.currentName();
                switch (key) {
                    case "dtype" -> {
                        expect(json, JsonToken.VALUE_STRING, where + " dtype");
                        type = type(name, json.getString());
                    }
                    case "shape" -> shape = readLongs(json, where + " shape", MAX_DIMENSIONS);
                    case "data_offsets" -> offsets = readLongs(json, where + " data_offsets", 2);
                    default ->
                        throw new ModelException(file + ": " + where + " has the unknown key " + key
                                + "; expected dtype, shape, data_offsets");
                }
            }
            if (type == null || shape == null || offsets == null || offsets.size() != 2) {
                throw new ModelException(file + ": " + where + " lacks dtype, shape or two data_offsets");
            }
            return checked(name, type, shape, offsets.get(0), offsets.get(1));
        }

        private SafetensorsType type(String name, String dtype) throws ModelException {
            try {
                return SafetensorsType.valueOf(dtype);
            } catch (IllegalArgumentException e) {
                throw new ModelException(
                        file + ": tensor " + name + " has the unknown dtype " + dtype + "; supported for weights: "
                                + SafetensorsType.FOR_WEIGHTS,
                        e);
            }
        }

        private List<Long> readLongs(JsonParser json, String what, int max) throws ModelException {
            expect(json, JsonToken.START_ARRAY, what);
            List<Long> values = new ArrayList<>(4);
            while (json.nextToken() != JsonToken.END_ARRAY) {
                if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
                        || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                        || json.getLongValue() < 0) {
                    throw new ModelException(
                            file + ": " + what + " must be integers from 0 to 2^63-1, found " + json.getString());
                }
                if (values.size() == max) {
                    throw new ModelException(file + ": " + what + " has more than " + max + " numbers");
                }
                values.add(json.getLongValue());
            }
            return List.copyOf(values);
        }

        private Entry checked(String name, SafetensorsType type, List<Long> shape, long begin, long end)
                throws ModelException {
            long bytes;
            try {
                bytes = type.bytes(shape);
            } catch (ArithmeticException e) {
                throw new ModelException(
                        file + ": tensor " + name + " of shape " + shape + " " + type + " has no whole size below 2^63",
                        e);
            }
            if (begin > end || end > fileSize - dataStart) {
                throw new ModelException(file + ": tensor " + name + " at bytes [" + begin + ", " + end
                        + ") of the data; the file has " + (fileSize - dataStart) + " (is the download complete?)");
            }
            if (end - begin != bytes) {
                throw new ModelException(file + ": tensor " + name + " of shape " + shape + " " + type + " needs "
                        + bytes + " bytes, its data_offsets give " + (end - begin));
            }
            return new Entry(name, type, shape, dataStart + begin, dataStart + end);
        }

        private List<Entry> contiguous() throws ModelException {
            List<Entry> sorted = new ArrayList<>(tensors.values());
            sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
            long position = dataStart;
            for (Entry entry : sorted) {
                if (entry.begin() != position) {
                    throw new ModelException(file + ": tensor " + entry.name() + " begins at byte " + entry.begin()
                            + ", expected " + position + ": tensors must follow each other without holes or overlaps");
                }
                position = entry.end();
            }
            if (position != fileSize) {
                throw new ModelException(
                        file + ": " + fileSize + " bytes, but the tensors of its header end at " + position);
            }
            return List.copyOf(sorted);
        }

        private void expect(JsonParser json, JsonToken token, String what) throws ModelException {
            JsonToken found = json.nextToken();
            if (found != token) {
                throw new ModelException(file + ": " + what + " in the header: expected " + token + ", found " + found);
            }
        }
    }

    /** Bytes {@code [position, end)} of a channel as a stream. */
    private static final class ChannelInput extends InputStream {
        private final FileChannel channel;
        private final long end;
        private long position;

        ChannelInput(FileChannel channel, long position, long end) {
            this.channel = channel;
            this.position = position;
            this.end = end;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            int wanted = (int) Math.min(length, end - position);
            int count = wanted == 0 ? -1 : channel.read(ByteBuffer.wrap(target, offset, wanted), position);
            position += Math.max(count, 0);
            return count;
        }
    }
}
