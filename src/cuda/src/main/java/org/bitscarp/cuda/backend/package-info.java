/** The tensor operations of a decoder on a {@link org.bitscarp.cuda.driver.GpuDriver}: launches, order of work, memory. */
package org.bitscarp.cuda.backend;
