/** PTX of the kernels in {@code kernels-cu/cu}, checked in so that nobody needs a CUDA toolkit. */
package org.bitscarp.kernels;
