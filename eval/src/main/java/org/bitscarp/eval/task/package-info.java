/** Multiple-choice tasks: from questions to scored sequences, and from scores to accuracies with paired tests. */
package org.bitscarp.eval.task;
