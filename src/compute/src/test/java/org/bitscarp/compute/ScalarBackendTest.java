package org.bitscarp.compute;

/** The specification against itself: proves that the contract suite is consistent, and its score formulas right. */
class ScalarBackendTest extends BackendContract {
    @Override
    protected Backend backend() {
        return new ScalarBackend();
    }
}
