package dev.lte.core.chat;

import java.time.Clock;
import java.util.Map;
import java.util.Set;

/** Functions that every template can call: Jinja's and the two that Hugging Face adds. */
final class Globals {
    /** Globals of Jinja without a use in chat templates. */
    static final Set<String> UNSUPPORTED = Set.of("lipsum", "cycler", "joiner");

    private Globals() {}

    static void define(Values.Scope scope, Py py, Clock clock) {
        Map<String, Values.Function> functions = Map.of(
                "range", arguments -> range(arguments),
                "dict", arguments -> PyDict.of(py, arguments),
                "namespace", arguments -> namespace(py, arguments),
                "raise_exception",
                        arguments -> {
                            throw PyError.raised(py.str(arguments
                                    .bind("raise_exception", 1, "message")
                                    .get(0)));
                        },
                "strftime_now",
                        arguments -> {
                            String format =
                                    arguments.bind("strftime_now", 1, "format").text(0, "");
                            py.budget().steps(100L + 10L * format.length());
                            return new Strftime(clock).format(format);
                        });
        functions.forEach(scope::set);
    }

    private static Values.Range range(Arguments arguments) {
        Arguments.Bound bound = arguments.bind("range", 1, "start/", "stop/", "step/");
        long start = bound.has(1) ? bound.integer(0, 0) : 0;
        long stop = bound.has(1) ? bound.integer(1, 0) : bound.integer(0, 0);
        long step = bound.integer(2, 1);
        if (step == 0) {
            throw PyError.invalid("range() arg 3 must not be zero");
        }
        long bits = Long.MAX_VALUE >> 2;
        if (Math.abs(start / 2) >= bits / 2 || Math.abs(stop / 2) >= bits / 2 || step == Long.MIN_VALUE) {
            throw PyError.limit("a range to such large numbers");
        }
        long span = step > 0 ? stop - start : start - stop;
        long stride = Math.abs(step);
        if (span > 0 && (span - 1) / stride + 1 > Budget.MAX_RANGE) {
            throw PyError.limit("a range of more than " + Budget.MAX_RANGE + " numbers");
        }
        return new Values.Range(start, stop, step);
    }

    private static Values.Namespace namespace(Py py, Arguments arguments) {
        Values.Namespace namespace = new Values.Namespace();
        PyDict.of(py, arguments).forEach((key, value) -> {
            if (!(key instanceof String name)) {
                throw PyError.unsupported("a namespace whose keys are not text");
            }
            namespace.attributes().put(name, value);
        });
        return namespace;
    }
}
