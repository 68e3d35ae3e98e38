package org.bitscarp.eval.scores;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.bitscarp.eval.engine.TokenScores;
import org.bitscarp.eval.report.StagedFiles;

/**
 * Scores of one level on the positions of the main protocol, in the order of the text. Little-endian:
 *
 * <pre>
 * offset        bytes  content
 * 0                 8  "bscores1"
 * 8                32  SHA-256 of the positions: files with equal ones pair token by token
 * 40               32  SHA-256 of everything from offset 72 on
 * 72                4  length b of the level's name in bytes
 * 76                4  number n of positions
 * 80                b  the level, UTF-8
 * 80 + b           4n  fp32, −log p(target) in nats
 * 80 + b + 4n      4n  fp32, KL(reference ‖ level) in nats
 * 80 + b + 8n      4n  fp32, probability of the level's most likely token
 * 80 + b + 12n      n  bit 0: same most likely token as the reference; bits 1 to 3: how many of the reference's five
 *                      most likely tokens are among the level's five
 * </pre>
 *
 * @param positions SHA-256 (hex) over what decides them: text, tokenizer, protocol, tokens
 * @param level canonical level string
 * @param scores one for each position
 */
public record ScoreFile(String positions, String level, TokenScores scores) {
    private static final byte[] MAGIC = "bscores1".getBytes(StandardCharsets.US_ASCII);
    private static final int HASHED_FROM = 72;
    private static final int HEADER = 80;
    private static final int POSITION_BYTES = 13;
    private static final int LONGEST_NAME = 4096;

    /** {@code int4:g64} becomes {@code int4+g64.bin}; what no file system takes for granted is written %XX. */
    public static String name(String level) {
        StringBuilder name = new StringBuilder();
        for (byte b : level.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c < 128 && (Character.isLetterOrDigit(c) || c == '.' || c == '_' || c == '-')) {
                name.append(c);
            } else {
                name.append(c == ':' ? "+" : String.format("%%%02X", (int) c));
            }
        }
        return name.append(".bin").toString();
    }

    /** Writes the file in full or not at all; its folder is created when absent. */
    public void write(Path file) throws IOException {
        byte[] name = level.getBytes(StandardCharsets.UTF_8);
        int n = scores.nll().length;
        byte[] all = new byte[Math.toIntExact(HEADER + name.length + (long) POSITION_BYTES * n)];
        ByteBuffer out = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
        out.put(MAGIC).put(HexFormat.of().parseHex(positions)).position(HASHED_FROM);
        out.putInt(name.length).putInt(n).put(name);
        for (double nll : scores.nll()) {
            out.putFloat((float) nll);
        }
        for (double kld : scores.kld()) {
            out.putFloat((float) kld);
        }
        for (float confidence : scores.confidence()) {
            out.putFloat(confidence);
        }
        for (int i = 0; i < n; i++) {
            out.put((byte) ((scores.sameTop1()[i] ? 1 : 0) | scores.sharedTop5()[i] << 1));
        }
        System.arraycopy(digest(all), 0, all, HASHED_FROM - 32, 32);
        StagedFiles.write(file, all);
    }

    /**
     * @throws IOException when the file cannot be read, is no score file, or is damaged; the message names it and says
     *     which
     */
    public static ScoreFile read(Path file) throws IOException {
        byte[] all = Files.readAllBytes(file);
        if (all.length < HEADER || !Arrays.equals(all, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new IOException(file + " is no score file of this version: it does not begin with bscores1");
        }
        ByteBuffer in = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).position(HASHED_FROM);
        int nameBytes = in.getInt();
        int n = in.getInt();
        boolean plausible = nameBytes >= 0 && nameBytes <= LONGEST_NAME && n >= 0;
        if (!plausible || all.length != HEADER + nameBytes + (long) POSITION_BYTES * n) {
            throw new IOException(file + " is damaged: " + all.length + " bytes do not hold a name of " + nameBytes
                    + " bytes and " + n + " positions; delete it and measure again");
        }
        if (!Arrays.equals(digest(all), Arrays.copyOfRange(all, HASHED_FROM - 32, HASHED_FROM))) {
            throw new IOException(
                    file + " is damaged: its checksum is not that of its content; delete it and measure" + " again");
        }
        byte[] name = new byte[nameBytes];
        in.get(name);
        TokenScores scores = TokenScores.unscored(n);
        for (int i = 0; i < n; i++) {
            scores.nll()[i] = in.getFloat();
        }
        for (int i = 0; i < n; i++) {
            scores.kld()[i] = in.getFloat();
        }
        for (int i = 0; i < n; i++) {
            scores.confidence()[i] = in.getFloat();
        }
        for (int i = 0; i < n; i++) {
            byte flags = in.get();
            scores.sameTop1()[i] = (flags & 1) != 0;
            scores.sharedTop5()[i] = (byte) (flags >> 1 & 7);
        }
        String positions = HexFormat.of().formatHex(all, MAGIC.length, MAGIC.length + 32);
        return new ScoreFile(positions, new String(name, StandardCharsets.UTF_8), scores);
    }

    /** SHA-256 (hex) of facts that together decide which positions are scored. */
    public static String positions(String... facts) {
        return HexFormat.of().formatHex(sha256().digest(String.join("\n", facts).getBytes(StandardCharsets.UTF_8)));
    }

    private static byte[] digest(byte[] all) {
        MessageDigest digest = sha256();
        digest.update(all, HASHED_FROM, all.length - HASHED_FROM);
        return digest.digest();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
