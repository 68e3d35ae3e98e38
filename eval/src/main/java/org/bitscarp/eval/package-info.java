/** Levels × windows become token scores, statistics, the cliff, and report files. */
package org.bitscarp.eval;
