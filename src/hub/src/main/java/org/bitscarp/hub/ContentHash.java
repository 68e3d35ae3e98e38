package org.bitscarp.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/**
 * The checksum that a blob's name is: SHA-256 of a file in large file storage (64 hex digits), or git's blob hash
 * (40 hex digits), which is SHA-1 over {@code "blob " + size + NUL} and the content (Pro Git, section 10.2). Other names,
 * which a mirror may give, say nothing about the content.
 */
final class ContentHash {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern GIT = Pattern.compile("[0-9a-f]{40}");

    private final String expected;
    private final MessageDigest digest;

    private ContentHash(String expected, MessageDigest digest) {
        this.expected = expected;
        this.digest = digest;
    }

    /** @param size of the content in bytes, which git's hash begins with; −1 when unknown, then nothing can be checked */
    static ContentHash of(String etag, long size) {
        if (SHA256.matcher(etag).matches()) {
            return new ContentHash(etag, digest("SHA-256"));
        }
        if (GIT.matcher(etag).matches() && size >= 0) {
            MessageDigest sha1 = digest("SHA-1");
            sha1.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
            return new ContentHash(etag, sha1);
        }
        return new ContentHash(etag, null);
    }

    private static MessageDigest digest(String name) {
        try {
            return MessageDigest.getInstance(name);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has " + name, e);
        }
    }

    void update(byte[] bytes, int length) {
        if (digest != null) {
            digest.update(bytes, 0, length);
        }
    }

    /** Empty when the content is what its name says or nothing can be said; else expected against found. Ends the hash. */
    String mismatch() {
        if (digest == null) {
            return "";
        }
        String found = HexFormat.of().formatHex(digest.digest());
        return found.equals(expected) ? "" : digest.getAlgorithm() + " is " + found + ", expected " + expected;
    }
}
