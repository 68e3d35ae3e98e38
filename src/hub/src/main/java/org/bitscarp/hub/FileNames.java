package org.bitscarp.hub;

/** Names that come from a server or a user and become paths below the cache: nothing may lead out of it. */
final class FileNames {
    private static final int MAX_LENGTH = 1024;

    private FileNames() {}

    /** Whether a name is a relative path with forward slashes that stays below the folder it is resolved in. */
    static boolean safe(String name) {
        if (name.isEmpty() || name.length() > MAX_LENGTH) {
            return false;
        }
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (Character.isISOControl(c) || c == '\\') {
                return false;
            }
        }
        // A colon is a drive letter or a stream of a file on Windows, and no repository needs one.
        if (name.indexOf(':') >= 0) {
            return false;
        }
        for (String part : name.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                return false;
            }
        }
        return true;
    }

    /** @throws HubException when {@link #safe} says no */
    static String check(String name, String where) throws HubException {
        if (!safe(name)) {
            throw new HubException(
                    HubException.Reason.FAILED,
                    where + ": the file name \"" + name + "\" could lead out of the cache, so nothing is fetched");
        }
        return name;
    }
}
