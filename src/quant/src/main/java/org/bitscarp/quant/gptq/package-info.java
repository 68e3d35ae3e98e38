/** Error feedback through the inverse Hessian (GPTQ, arXiv 2210.17323) for every block format. */
package org.bitscarp.quant.gptq;
