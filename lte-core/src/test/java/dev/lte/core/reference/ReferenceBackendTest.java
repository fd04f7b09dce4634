package dev.lte.core.reference;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.core.contract.BackendContractTest;
import java.util.EnumSet;
import java.util.Set;

/** The reference against itself: what is left of the contract then are views, guard bands, errors and life cycle. */
class ReferenceBackendTest extends BackendContractTest {
    @Override
    protected Backend open() {
        return new ReferenceBackendProvider().open(BackendOptions.defaults());
    }

    @Override
    public Set<DType> weightTypes() {
        return EnumSet.complementOf(EnumSet.of(DType.I32));
    }

    @Override
    public Set<DType> trainingTypes() {
        return EnumSet.of(DType.F32, DType.BF16);
    }

    @Override
    public Set<DType> cacheTypes() {
        return EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0);
    }
}
