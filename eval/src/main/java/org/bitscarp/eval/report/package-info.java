/** What a sweep found, as data ({@link org.bitscarp.eval.report.SweepResult}) and as the files that people read. */
package org.bitscarp.eval.report;
