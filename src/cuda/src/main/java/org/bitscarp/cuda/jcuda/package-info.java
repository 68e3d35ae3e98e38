/** The driver seam on JCuda's binding of the CUDA driver API. Only this package and tests touch {@code jcuda}. */
package org.bitscarp.cuda.jcuda;
