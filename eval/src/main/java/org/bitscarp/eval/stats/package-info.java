/** From token scores to numbers with errors. */
package org.bitscarp.eval.stats;
