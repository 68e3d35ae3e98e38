/** Matrix products of NVIDIA's cuBLAS where one is on the machine; never required. */
package org.bitscarp.cuda.cublas;
