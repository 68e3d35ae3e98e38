/**
 * The tensor operations that a decoder-only transformer and its evaluation need, behind {@link
 * org.bitscarp.compute.Backend}, and their implementations on the CPU.
 */
package org.bitscarp.compute;
