package org.bitscarp.datasets;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * A text with a name.
 *
 * @param name what people call it: a data set's name or a file name
 * @param text the whole of it
 */
public record Corpus(String name, String text) {
    /** Length in UTF-8 bytes. */
    public long bytes() {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** SHA-256 (hex) of the UTF-8 bytes. */
    public String sha256() {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
