/** Which tensor gets which storage format under a limit on the total size. */
package org.bitscarp.quant.allocation;
