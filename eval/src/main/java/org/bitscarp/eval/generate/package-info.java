/** What a level writes when it goes on with a text: continuations, and the ways in which they break. */
package org.bitscarp.eval.generate;
