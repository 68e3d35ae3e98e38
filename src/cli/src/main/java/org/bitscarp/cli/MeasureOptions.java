package org.bitscarp.cli;

import java.io.IOException;
import org.bitscarp.model.Checkpoint;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Options of every command that measures one model on a text. */
final class MeasureOptions extends TextOptions {
    @Parameters(arity = "0..1", paramLabel = "MODEL", description = ModelArgument.DESCRIPTION)
    String model;

    @Mixin
    CalibrationOptions calibration;

    MeasureOptions(Commands.Streams streams) {
        super(streams);
    }

    Checkpoint open() throws IOException {
        return open(model);
    }
}
