/** What a sweep keeps on disk so that it survives its process: locked folder, durable files, fingerprint. */
package org.bitscarp.eval.resume;
