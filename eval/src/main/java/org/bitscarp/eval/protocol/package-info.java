/** How a text is cut into windows and which positions are scored. */
package org.bitscarp.eval.protocol;
