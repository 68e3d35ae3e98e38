package org.bitscarp.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.quant.LevelException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** Entry point. Exit status 0, 1 (failed), 2 (wrong use). */
@Command(
        name = "bitscarp",
        description =
                "How few bits can a language model live on, where does it fall off the cliff, which file to ship.",
        synopsisHeading = "",
        customSynopsis = "Usage: bitscarp COMMAND [OPTIONS]",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        footer = {
            "",
            "Examples:",
            "  bitscarp sweep                              the built-in model at every width, report in bitscarp-out/",
            "  bitscarp sweep ~/models/tiny --levels fp16,int8,int4,int4:g32,int3 --text wiki.test.raw",
            "  bitscarp perplexity ~/models/tiny --text wiki.test.raw --protocol llama.cpp --level int4",
            "  bitscarp compare ~/models/tiny a-q4_k_m.gguf b-q4_k_m.gguf   which of the files is closest to the model",
            "  bitscarp sweep hf:HuggingFaceTB/SmolLM2-135M --text wikitext2",
            "  bitscarp report out/135m out/360m           finished sweeps side by side, LaTeX, SVG and PNG",
            "  bitscarp doctor                             what this machine has, and what is missing",
            "",
            "Exit status: 0 success, 1 failure, 2 wrong use. Results go to stdout, progress and messages to stderr."
        })
public final class Main implements Runnable {
    private static final List<Class<?>> COMMANDS = List.of(
            SweepCommand.class,
            PerplexityCommand.class,
            CompareCommand.class,
            SensitivityCommand.class,
            ReportCommand.class,
            QuantizeCommand.class,
            ConvertCommand.class,
            InspectCommand.class,
            FetchCommand.class,
            DoctorCommand.class,
            GpuCheckCommand.class);

    @Spec
    private CommandSpec spec;

    @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show the stack trace of an error.")
    private boolean debug;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getErr());
        throw new CommandLine.ParameterException(spec.commandLine(), "Which command?");
    }

    public static void main(String[] arguments) {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        PrintStream err = new PrintStream(System.err, true, StandardCharsets.UTF_8);
        System.exit(run(arguments, out, err, System.getenv()));
    }

    /** Runs a command line and returns its exit status. */
    static int run(String[] arguments, PrintStream out, PrintStream err, Map<String, String> environment) {
        return run(arguments, new Commands.Streams(out, err, environment, bytes -> {}));
    }

    /** The same for a command that another one runs. */
    static int run(String[] arguments, Commands.Streams streams) {
        Main main = new Main();
        PrintStream err = streams.err();
        CommandLine command = new CommandLine(main, new Commands(streams));
        addCommands(command, arguments);
        command.setOut(new java.io.PrintWriter(streams.out(), true, StandardCharsets.UTF_8));
        command.setErr(new java.io.PrintWriter(err, true, StandardCharsets.UTF_8));
        command.setCaseInsensitiveEnumValuesAllowed(true);
        // An option given twice: the last wins, which lets scripts append to a common prefix.
        command.setOverwrittenOptionsAllowed(true);
        command.setExecutionExceptionHandler((e, line, result) -> main.explain(e, line, err));
        command.setParameterExceptionHandler((e, words) -> {
            err.println("bitscarp: " + oneLine(e.getMessage()));
            err.println("Try 'bitscarp help" + name(e.getCommandLine()) + "'.");
            return 2;
        });
        return command.execute(arguments);
    }

    /** Adds the command that the first word names, else all: what a command has of options takes its time to find out. */
    private static void addCommands(CommandLine command, String[] arguments) {
        Optional<Class<?>> named = COMMANDS.stream()
                .filter(type -> arguments.length > 0
                        && type.getAnnotation(Command.class).name().equals(arguments[0]))
                .findFirst();
        if (named.isPresent()) {
            command.addSubcommand(named.get());
        } else {
            COMMANDS.forEach(command::addSubcommand);
            command.addSubcommand(CommandLine.HelpCommand.class);
        }
    }

    private static String name(CommandLine command) {
        return command.getParent() == null ? "" : " " + command.getCommandName();
    }

    private int explain(Throwable e, CommandLine line, PrintStream err) {
        err.println("bitscarp " + line.getCommandName() + ": " + describe(e));
        if (debug) {
            e.printStackTrace(err);
        }
        return e instanceof LevelException || e instanceof UsageException ? 2 : 1;
    }

    private String describe(Throwable e) {
        return switch (e) {
            case NoSuchFileException f -> "no file " + f.getFile();
            case AccessDeniedException f -> "no permission for " + f.getFile();
            case OutOfMemoryError f ->
                "out of memory (" + f.getMessage()
                        + "); give a smaller --memory, fewer --levels, or a larger Java heap with"
                        + " BITSCARP_JAVA_OPTIONS=-Xmx4g";
            case UsageException f -> oneLine(f.getMessage());
            case IOException f -> oneLine(f.getMessage());
            case GpuException f -> oneLine(f.getMessage());
            case IllegalArgumentException f when f.getMessage() != null -> oneLine(f.getMessage());
            case IllegalStateException f when f.getMessage() != null -> oneLine(f.getMessage());
            default -> "internal error: " + e + (debug ? "" : " (--debug shows where)");
        };
    }

    private static String oneLine(String message) {
        return message == null ? "unknown error" : message.replaceAll("\\s*\\R\\s*", " ");
    }
}
