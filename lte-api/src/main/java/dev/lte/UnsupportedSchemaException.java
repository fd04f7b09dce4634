package dev.lte;

/**
 * A JSON schema that cannot be enforced while a text is generated: a keyword that is not supported or damaged, no value that
 * satisfies it, or more work than is allowed. Nothing of a schema is ever ignored.
 */
public final class UnsupportedSchemaException extends LteException {
    private static final long serialVersionUID = 1L;

    private final String keyword;
    private final String path;

    /**
     * @param keyword the keyword at fault, empty if the schema as a whole is
     * @param path JSON pointer of the schema that has it, such as {@code #/properties/name}
     * @param problem why it cannot be enforced
     */
    public UnsupportedSchemaException(String keyword, String path, String problem, String remedy) {
        super(path + (keyword.isEmpty() ? "" : ", keyword " + keyword) + ": " + problem, remedy);
        this.keyword = keyword;
        this.path = path;
    }

    public String keyword() {
        return keyword;
    }

    public String path() {
        return path;
    }
}
