/** Readers of the files that data sets come in. */
package org.bitscarp.datasets.internal;
