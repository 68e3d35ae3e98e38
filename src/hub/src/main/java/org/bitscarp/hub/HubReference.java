package org.bitscarp.hub;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A repository on the hub, or a file or folder in it: {@code hf:[datasets/]owner/name[@revision][/path]}. The grammar is
 * that of {@code hf://} in Hugging Face's own tools, which is read as well: a slash in a revision is written
 * {@code %2F}, except in {@code refs/pr/N} and {@code refs/convert/NAME}.
 *
 * @param kind model or data set
 * @param repository {@code owner/name}
 * @param revision branch, tag or commit
 * @param path file or folder in the repository; empty for all of it
 */
public record HubReference(Kind kind, String repository, String revision, String path) {
    /** What every reference begins with. */
    public static final String PREFIX = "hf:";
    /** The branch that is meant when no revision is given. */
    public static final String MAIN = "main";

    /** Rules of the hub for the names of owners and repositories. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?");

    private static final Pattern SPECIAL_REVISION = Pattern.compile("refs/(?:convert/[A-Za-z0-9_.-]+|pr/[0-9]+)");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

    /** Kinds of repositories that hold what Bitscarp reads. */
    public enum Kind {
        MODEL,
        DATASET;

        /** As in addresses and folder names: {@code models}, {@code datasets}. */
        String plural() {
            return name().toLowerCase(Locale.ROOT) + "s";
        }
    }

    /** Whether a word that a user typed means the hub. */
    public static boolean matches(String text) {
        return text.startsWith(PREFIX);
    }

    /**
     * Reads a reference.
     *
     * @throws IllegalArgumentException with a message for the user when it is none
     */
    public static HubReference parse(String text) {
        if (!matches(text)) {
            throw new IllegalArgumentException("\"" + text + "\" does not begin with " + PREFIX);
        }
        String rest = text.substring(PREFIX.length());
        rest = rest.startsWith("//") ? rest.substring(2) : rest;
        Kind kind = Kind.MODEL;
        for (Kind candidate : Kind.values()) {
            if (rest.startsWith(candidate.plural() + "/")) {
                kind = candidate;
                rest = rest.substring(candidate.plural().length() + 1);
                break;
            }
        }
        int slash = rest.indexOf('/');
        if (slash < 0) {
            throw wrong(text, "it has no owner/name");
        }
        String owner = rest.substring(0, slash);
        String tail = rest.substring(slash + 1);
        int end = 0;
        while (end < tail.length() && tail.charAt(end) != '@' && tail.charAt(end) != '/') {
            end++;
        }
        String name = tail.substring(0, end);
        checkName(text, owner);
        checkName(text, name);
        String revision = MAIN;
        String path = tail.substring(end);
        if (path.startsWith("@")) {
            Matcher special = SPECIAL_REVISION.matcher(path).region(1, path.length());
            int stop = special.lookingAt() ? special.end() : path.indexOf('/');
            stop = stop < 0 ? path.length() : stop;
            revision = path.substring(1, stop).replace("%2F", "/").replace("%2f", "/");
            path = path.substring(stop);
            if (!FileNames.safe(revision)) {
                throw wrong(text, "\"" + revision + "\" is no revision");
            }
        }
        path = path.startsWith("/") ? path.substring(1) : path;
        path = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        if (!path.isEmpty() && !FileNames.safe(path)) {
            throw wrong(text, "\"" + path + "\" is no path in a repository");
        }
        return new HubReference(kind, owner + "/" + name, revision, path);
    }

    private static void checkName(String text, String name) {
        if (!NAME.matcher(name).matches() || name.contains("--") || name.contains("..")) {
            throw wrong(text, "\"" + name + "\" is no name of an owner or a repository");
        }
    }

    private static IllegalArgumentException wrong(String text, String why) {
        return new IllegalArgumentException("\"" + text + "\": " + why
                + "; expected hf:owner/name[@revision][/path], or hf:datasets/owner/name[@revision]/path");
    }

    /** Whether the revision is a commit, which never changes. */
    boolean pinned() {
        return isCommit(revision);
    }

    static boolean isCommit(String revision) {
        return COMMIT.matcher(revision).matches();
    }

    /** The repository for messages: {@code hf:owner/name} or {@code hf:datasets/owner/name}. */
    String shortName() {
        return PREFIX + (kind == Kind.DATASET ? "datasets/" : "") + repository;
    }

    /** The canonical form, which {@link #parse} reads back. */
    @Override
    public String toString() {
        String shown = SPECIAL_REVISION.matcher(revision).matches() ? revision : revision.replace("/", "%2F");
        return shortName() + (revision.equals(MAIN) ? "" : "@" + shown) + (path.isEmpty() ? "" : "/" + path);
    }
}
