package org.bitscarp.model;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Seeded damage to files: bytes flipped, cut, spliced; and damage that knows JSON. */
public final class Mutations {
    private static final String[] NUMBERS = {
        "0",
        "-1",
        "1",
        "2147483647",
        "2147483648",
        "4294967295",
        "1152921504606846976",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "1e308",
        "-1e308",
        "1e999",
        "1e-320",
        "0.5",
        "NaN",
        "Infinity",
        "\"NaN\"",
        "\"\"",
        "null",
        "true",
        "[]",
        "{}",
        "[[[[]]]]"
    };
    private static final String[] STRINGS = {
        "\"\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\n\"",
        "\"a\"",
        "\" \"",
        "\"▁\"",
        "\"(a+)+b\"",
        "\"(\"",
        "\"[\"",
        "\"\\\\1\"",
        "null",
        "0",
        "[]",
        "{}",
        "\"BPE\"",
        "\"Unigram\"",
        "\"WordPiece\"",
        "\"ByteLevel\"",
        "\"Precompiled\"",
        "\"B\"",
        "\"Metaspace\"",
        "\"Strip\"",
        "\"é\"",
        "\"😀\""
    };
    private static final Pattern NUMBER = Pattern.compile("-?\\d+(\\.\\d+)?([eE][-+]?\\d+)?");
    private static final Pattern STRING = Pattern.compile("\"([^\"\\\\]|\\\\.){0,40}\"");
    private static final Pattern MEMBER = Pattern.compile("\"[a-z_A-Z.0-9]+\"\\s*:\\s*[^,{}\\[\\]]+,?");

    private Mutations() {}

    /** Damage that any file can suffer. */
    public static byte[] bytes(byte[] original, SplittableRandom random) {
        byte[] copy = original.clone();
        switch (random.nextInt(5)) {
            case 0 -> {
                for (int i = random.nextInt(1, 9); i > 0; i--) {
                    copy[random.nextInt(copy.length)] ^= (byte) (1 << random.nextInt(8));
                }
            }
            case 1 -> copy = Arrays.copyOf(copy, random.nextInt(copy.length));
            case 2 -> copy = Arrays.copyOf(copy, copy.length + random.nextInt(1, 100));
            case 3 -> {
                int length = random.nextInt(1, Math.min(64, copy.length));
                int from = random.nextInt(copy.length - length);
                System.arraycopy(original, from, copy, random.nextInt(copy.length - length), length);
            }
            default -> {
                int at = random.nextInt(copy.length);
                int length = random.nextInt(1, Math.min(32, copy.length - at) + 1);
                byte[] shorter = new byte[copy.length - length];
                System.arraycopy(copy, 0, shorter, 0, at);
                System.arraycopy(copy, at + length, shorter, at, shorter.length - at);
                copy = shorter;
            }
        }
        return copy;
    }

    /** Damage that leaves the file JSON more often than not, so that it gets past the parser. */
    public static String json(String original, SplittableRandom random) {
        return switch (random.nextInt(8)) {
            case 0, 1 -> replace(original, NUMBER, NUMBERS[random.nextInt(NUMBERS.length)], random);
            case 2, 3 -> replace(original, STRING, STRINGS[random.nextInt(STRINGS.length)], random);
            case 4 -> replace(original, MEMBER, "", random);
            case 5 -> swap(original, random.nextBoolean() ? STRING : NUMBER, random);
            case 6 -> {
                String open = random.nextBoolean() ? "[" : "{\"a\":";
                String close = open.equals("[") ? "]" : "}";
                int depth = 1 << random.nextInt(1, 14);
                yield replace(original, NUMBER, open.repeat(depth) + "1" + close.repeat(depth), random);
            }
            default -> new String(bytes(original.getBytes(StandardCharsets.UTF_8), random), StandardCharsets.UTF_8);
        };
    }

    private static List<MatchResult> matches(String text, Pattern pattern) {
        Matcher matcher = pattern.matcher(text);
        List<MatchResult> results = new ArrayList<>();
        while (matcher.find()) {
            results.add(matcher.toMatchResult());
        }
        return results;
    }

    private static String replace(String text, Pattern pattern, String by, SplittableRandom random) {
        List<MatchResult> all = matches(text, pattern);
        if (all.isEmpty()) {
            return text;
        }
        MatchResult one = all.get(random.nextInt(all.size()));
        return text.substring(0, one.start()) + by + text.substring(one.end());
    }

    private static String swap(String text, Pattern pattern, SplittableRandom random) {
        List<MatchResult> all = matches(text, pattern);
        return all.isEmpty()
                ? text
                : replace(text, pattern, all.get(random.nextInt(all.size())).group(), random);
    }
}
