package dev.lte;

/** An option is out of range or contradicts another; found before any work. */
public final class InvalidRequestException extends LteException {
    private static final long serialVersionUID = 1L;

    private final String option;

    /**
     * @param option the option at fault
     * @param expected the values it may have
     * @param found the value it had
     */
    public InvalidRequestException(String option, String expected, Object found) {
        super(option + ": expected " + expected + ", found " + found, "change the option");
        this.option = option;
    }

    public String option() {
        return option;
    }
}
