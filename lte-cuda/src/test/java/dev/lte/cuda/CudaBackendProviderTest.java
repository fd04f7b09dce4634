package dev.lte.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.lte.BackendUnavailableException;
import dev.lte.backend.Availability;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

class CudaBackendProviderTest {
    private static BackendProvider provider() {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals("cuda"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("the CUDA backend is not registered as a service"));
    }

    @Test
    void isPreferredToTheHost() {
        assertThat(provider().priority()).isEqualTo(200);
    }

    @Test
    void saysWhatIsMissingWithoutADriver() {
        assumeThat(CudaLibrary.DRIVER.isInUsualPlace()).as("an NVIDIA driver").isFalse();

        Availability.Unavailable unavailable =
                (Availability.Unavailable) provider().probe();

        assertThat(unavailable.reason()).contains("the NVIDIA driver", "is not installed");
        assertThat(unavailable.remedy()).contains("NVIDIA GPU", "CUDA 13");
        assertThat(unavailable.ordinary()).isTrue();
        assertThatThrownBy(() -> provider().open(BackendOptions.defaults()))
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining(unavailable.reason())
                .hasMessageContaining(unavailable.remedy());
    }

    @Test
    void aLibraryThatNobodyHasCannotBeLoaded() {
        assumeThat(CudaLibrary.CUBLAS.isInUsualPlace()).as("cuBLAS").isFalse();

        assertThat(CudaLibrary.CUBLAS.canBeLoaded()).isFalse();
        assertThat(CudaLibrary.CUBLAS.description()).contains("cuBLAS", "13");
    }
}
