/**
 * What every backend must do, as tests: {@link dev.lte.core.contract.BackendContractTest} runs each kernel on a backend and on
 * the reference backend with the same inputs. Modules with backends get this package as lte-core's test-jar.
 */
@NullMarked
package dev.lte.core.contract;

import org.jspecify.annotations.NullMarked;
