/**
 * Tensor operations on a GPU. Everything stands on {@link org.bitscarp.cuda.driver.GpuDriver}, which has a real
 * implementation and an emulated one that runs the same PTX from the same launch code on the CPU.
 */
package org.bitscarp.cuda;
