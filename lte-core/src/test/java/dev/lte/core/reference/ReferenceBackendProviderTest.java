package dev.lte.core.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.BackendUnavailableException;
import dev.lte.backend.Availability;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class ReferenceBackendProviderTest {
    @Test
    void isAServiceThatIsAvailableEverywhereAndComesLast() {
        BackendProvider provider = ServiceLoader.load(BackendProvider.class).stream()
                .filter(candidate -> candidate.type() == ReferenceBackendProvider.class)
                .findFirst()
                .orElseThrow()
                .get();
        assertThat(provider.priority()).isZero();
        assertThat(provider.probe()).isInstanceOf(Availability.Available.class);
        try (Backend backend = provider.open(BackendOptions.defaults())) {
            assertThat(backend.name()).isEqualTo(provider.name()).isEqualTo("reference");
            assertThat(backend.device().threads()).isEqualTo(1);
        }
    }

    @Test
    void hasNoSecondDevice() {
        assertThatThrownBy(() -> new ReferenceBackendProvider().open(new BackendOptions(0, 1)))
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining("found 1");
    }
}
