/** Text in: built-in corpora, files, data sets by name; token ids out. */
package org.bitscarp.datasets;
