package org.bitscarp.datasets.internal;

import io.airlift.compress.v3.MalformedInputException;
import io.airlift.compress.v3.lz4.Lz4JavaDecompressor;
import io.airlift.compress.v3.snappy.SnappyJavaDecompressor;
import io.airlift.compress.v3.zstd.ZstdJavaDecompressor;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/** Decompression of a page (Parquet format, {@code Compression.md}). */
final class PageCodec {
    private static final String[] NAMES = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"};

    private PageCodec() {}

    static String name(long codec) {
        return codec >= 0 && codec < NAMES.length ? NAMES[(int) codec] : "number " + codec;
    }

    static boolean known(long codec) {
        return codec == 0 || codec == 1 || codec == 2 || codec == 6 || codec == 7;
    }

    /**
     * @param size that the result must have; the caller bounds it
     * @throws IllegalArgumentException when it has another
     */
    static byte[] unpack(long codec, byte[] packed, int size) throws IOException {
        if (codec == 0) {
            return sized(packed, packed.length, size);
        }
        byte[] out = new byte[size];
        if (size == 0) {
            return out;
        }
        try {
            int length = packed.length;
            return switch ((int) codec) {
                case 1 -> sized(out, new SnappyJavaDecompressor().decompress(packed, 0, length, out, 0, size), size);
                case 2 -> {
                    try (GZIPInputStream gzip = new GZIPInputStream(new ByteArrayInputStream(packed))) {
                        int read = gzip.readNBytes(out, 0, size);
                        yield sized(out, gzip.read() < 0 ? read : size + 1, size);
                    }
                }
                case 6 -> sized(out, new ZstdJavaDecompressor().decompress(packed, 0, length, out, 0, size), size);
                case 7 -> sized(out, new Lz4JavaDecompressor().decompress(packed, 0, length, out, 0, size), size);
                default -> throw new IllegalArgumentException("compression " + name(codec) + " is not read");
            };
        } catch (MalformedInputException | ZipException | EOFException e) {
            throw new IllegalArgumentException("damaged " + name(codec) + " data", e);
        }
    }

    private static byte[] sized(byte[] bytes, int found, int expected) {
        if (found != expected) {
            throw new IllegalArgumentException("a page unpacks to " + found + " bytes, announced " + expected);
        }
        return bytes;
    }
}
