package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/**
 * A command line and what came of it.
 *
 * @param status exit status
 * @param out what was printed on stdout
 * @param err what was printed on stderr
 */
record CommandLineRun(int status, String out, String err) {
    static CommandLineRun of(String... arguments) {
        return with(System.getenv(), arguments);
    }

    /** With other variables than this process has. */
    static CommandLineRun with(Map<String, String> environment, String... arguments) {
        System.setProperty(Home.PROPERTY, checkout().resolve("datasets").toString());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = Main.run(
                arguments,
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                environment);
        return new CommandLineRun(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    static Path checkout() {
        return Path.of(System.getProperty("bitscarp.checkout", "../.."));
    }

    CommandLineRun succeeds() {
        assertEquals(0, status, err);
        return this;
    }

    /** Fails with a status, nothing on stdout, and a short message that contains all of {@code words}. */
    void fails(int expected, String... words) {
        assertEquals(expected, status, out + err);
        assertEquals("", out, "a failure prints nothing on stdout");
        String message = err.lines()
                .filter(l -> l.startsWith("bitscarp"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no message in: " + err));
        for (String word : words) {
            assertTrue(message.contains(word), "expected \"" + word + "\" in: " + message);
        }
        assertTrue(message.length() < 500, message);
        assertFalse(message.contains("internal error"), message);
        assertFalse(err.contains("\tat "), "no stack trace without --debug: " + err);
    }
}
