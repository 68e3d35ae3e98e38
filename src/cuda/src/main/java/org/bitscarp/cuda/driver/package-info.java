/** The seam between launch code and a device, and what every implementation of it shares: memory, arguments, errors. */
package org.bitscarp.cuda.driver;
