package org.bitscarp.model;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** What users are told when a file cannot be written: which one and why, in one line. */
public final class WriteFailure {
    private WriteFailure() {}

    /** {@code cannot write FILE: REASON}; the file is the one that the user named, whatever temporary name it has. */
    public static IOException of(Path file, IOException cause) {
        return new IOException("cannot write " + file + ": " + reason(cause), cause);
    }

    /** The message of a {@link FileSystemException} begins with a path, often a temporary one: only its reason is kept. */
    public static String reason(IOException cause) {
        String reason = switch (cause) {
            case NoSuchFileException e -> "the folder does not exist";
            case AccessDeniedException e -> "permission denied";
            case FileAlreadyExistsException e -> "a file has the name of the folder";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default -> cause.getMessage() == null ? cause.toString() : cause.getMessage();
        };
        return reason.lines().findFirst().orElse("");
    }
}
