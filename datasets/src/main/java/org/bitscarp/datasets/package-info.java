/** Text in: built-in corpora, files of text or of rows, data sets by name; token ids out. */
package org.bitscarp.datasets;
