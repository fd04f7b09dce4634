package dev.lte.examples.cli;

import java.io.PrintWriter;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.databind.json.JsonMapper;

/** Writes the one object that {@code --json} prints. */
final class Json {
    private Json() {}

    static void print(PrintWriter out, Object value) {
        JsonMapper mapper = JsonMapper.builder()
                .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
                .build();
        mapper.writeValue(out, value);
        out.println();
        out.flush();
    }
}
