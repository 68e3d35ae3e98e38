/** Measurements: tools and JMH benchmarks. Figures go to bench/RESULTS.md; no test asserts a time. */
package org.bitscarp.bench;
