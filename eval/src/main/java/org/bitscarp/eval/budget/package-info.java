/** Formats for each tensor under a limit on the total size: measured sensitivity, choice, and proof. */
package org.bitscarp.eval.budget;
