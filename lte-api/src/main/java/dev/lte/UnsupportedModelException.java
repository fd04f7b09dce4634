package dev.lte;

/** A model is sound but needs something that LTE does not do: an architecture, a tokenizer, a block type. */
public final class UnsupportedModelException extends LteException {
    private static final long serialVersionUID = 1L;

    public UnsupportedModelException(String message, String remedy) {
        super(message, remedy);
    }
}
