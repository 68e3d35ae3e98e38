/** Scores of every token in files, so that statistics can be repeated and sweeps compared without measuring again. */
package org.bitscarp.eval.scores;
