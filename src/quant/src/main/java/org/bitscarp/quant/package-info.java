/**
 * Numbers: floats to codes to floats. Number formats, storage formats, solvers, levels. No I/O, no threads, no devices.
 */
package org.bitscarp.quant;
