/** The layer-major sweep: every level through every layer, each full-precision weight read once. */
package org.bitscarp.eval.engine;
