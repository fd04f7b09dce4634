package dev.lte.core.contract;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The contract for a {@link FaultyBackend}; its tests are called by hand, so it has no name that test runners look for. */
final class FaultyContract extends BackendContractTest {
    private final String operation;
    private final FaultyBackend.Fault fault;
    private final Set<DType> weightTypes;

    FaultyContract(String operation, FaultyBackend.Fault fault, DType... weightTypes) {
        this.operation = operation;
        this.fault = fault;
        this.weightTypes = EnumSet.copyOf(List.of(weightTypes));
    }

    @Override
    protected Backend open() {
        return new FaultyBackend(operation, fault);
    }

    @Override
    public Set<DType> weightTypes() {
        return weightTypes;
    }

    @Override
    public Set<DType> cacheTypes() {
        return EnumSet.of(DType.F32, DType.F16);
    }
}
