/**
 * Readers of the container formats and the parsing behind them. Everything here reads untrusted files: sizes are checked
 * before anything is allocated, and whatever is wrong ends in a {@link org.bitscarp.model.ModelException}.
 */
package org.bitscarp.model.internal;
