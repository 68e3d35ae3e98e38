package org.bitscarp.cli;

import static org.bitscarp.cli.ResumableSweep.LEVELS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Finished sweeps are added to, and sweeps of something else are told apart. */
class ResumeTest {
    @TempDir
    Path folder;

    private ResumableSweep sweep;

    @BeforeEach
    void inFolder() {
        sweep = new ResumableSweep(folder);
    }

    @Test
    void moreLevelsRunBesideTheReferenceOnly() throws IOException {
        sweep.run("whole", LEVELS).succeeds();
        sweep.run("grown", "fp32").succeeds();
        sweep.run("grown", "fp32,int2:search").succeeds();
        CommandLineRun more = sweep.run("grown", LEVELS).succeeds();
        assertTrue(more.err().contains("2 levels") && more.err().contains("int2:search"), more.err());
        assertEquals(sweep.results("whole"), sweep.results("grown"));
        // What is finished is reported without being measured: nothing is left to write, and what a process that died
        // while it cleaned up has left goes.
        Files.writeString(folder.resolve("grown/.sweep/packed-2.bin"), "of no state");
        CommandLineRun again = sweep.run("grown", LEVELS).succeeds();
        assertTrue(again.err().contains("3 levels"), again.err());
        assertEquals(sweep.results("whole"), sweep.results("grown"));
        assertEquals(sweep.files("whole"), sweep.files("grown"));
    }

    @Test
    void aFinishedSweepOfSomethingElseIsGivenUpAndSaysWhy() {
        sweep.run("out", "fp32,int4", "--context", "32").succeeds();
        CommandLineRun other = sweep.run("out", LEVELS).succeeds();
        assertTrue(other.err().contains("afresh") && other.err().contains("protocols (was gptq 32"), other.err());
    }

    @Test
    void anUnfinishedSweepOfSomethingElseIsNotTouched() throws IOException, InterruptedException {
        Path state = sweep.state("out");
        Process process = sweep.start("out", LEVELS);
        while (!Files.exists(state) && process.isAlive()) {
            Thread.sleep(5);
        }
        sweep.run("out", LEVELS).fails(1, "another process", "--out");
        process.destroyForcibly().waitFor();
        Assumptions.assumeTrue(Files.exists(state), "the run was over before it could be killed");
        sweep.run("out", LEVELS, "--context", "32").fails(1, "unfinished", "protocols", "--fresh");
        sweep.run("out", "fp32,int8").fails(1, "unfinished", "levels (was fp32,int4:", "--fresh");
        sweep.run("out", "fp32,int4", "--fresh", "--context", "32").succeeds();
        assertFalse(Files.exists(state));
    }
}
