package org.bitscarp.eval.report;
import java.nio.file.Path;
class Preview { public static void main(String[] a) throws Exception {
 ReportFiles.writeAll(Samples.realistic(), Path.of("/tmp/rep/real"));
 ReportFiles.writeAll(Samples.hostile(1), Path.of("/tmp/rep/hostile"));
 ReportFiles.writeAll(Samples.lonely(), Path.of("/tmp/rep/lonely"));
 for (SweepResult r : new SweepResult[]{Samples.realistic(), Samples.hostile(1), Samples.lonely()}) {
  System.out.println(ConsoleTable.render(r, new ConsoleTable.Style(false,false,120)));
 }
 System.out.println(ConsoleTable.render(Samples.realistic(), new ConsoleTable.Style(true,false,100)));
 System.out.println(ConsoleTable.render(Samples.realistic(), new ConsoleTable.Style(false,true,120)));
}}
