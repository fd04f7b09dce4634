package dev.lte.core.chat;

/** Text that statements write to, within the budget. */
final class Output {
    private final StringBuilder text = new StringBuilder();
    private final Budget budget;

    Output(Budget budget) {
        this.budget = budget;
    }

    void write(String part) {
        if (text.length() + (long) part.length() > Budget.MAX_OUTPUT_CHARS) {
            throw PyError.limit("a text of more than " + Budget.MAX_OUTPUT_CHARS + " characters");
        }
        budget.text(part.length());
        text.append(part);
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
