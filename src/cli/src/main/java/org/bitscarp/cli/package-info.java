/** The {@code bitscarp} command: the only room that prints or exits. */
package org.bitscarp.cli;
