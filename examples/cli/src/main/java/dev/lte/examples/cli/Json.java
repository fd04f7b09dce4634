package dev.lte.examples.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.ToStringSerializer;

/** Writes the one object that {@code --json} prints. */
final class Json {
    private Json() {}

    /** Paths are written as they are, not as URIs. */
    static JsonMapper mapper() {
        return JsonMapper.builder()
                .addModule(new SimpleModule().addSerializer(Path.class, ToStringSerializer.instance))
                .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
                .build();
    }

    static void print(PrintWriter out, Object value) {
        mapper().writeValue(out, value);
        out.println();
        out.flush();
    }
}
