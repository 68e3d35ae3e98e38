/** Models on their way to disk: files that other programs load. */
package org.bitscarp.model.export;
