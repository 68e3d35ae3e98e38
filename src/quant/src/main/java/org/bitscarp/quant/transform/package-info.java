/** What is done to weights before they are rounded: rotations, channel scales, and how they pass from map to map. */
package org.bitscarp.quant.transform;
