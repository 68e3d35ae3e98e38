/** References to files on a Hugging Face hub in, paths in the standard local cache out. Knows nothing of models. */
package org.bitscarp.hub;
