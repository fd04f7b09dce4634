package dev.lte;

/** The model was closed before or while it was used. */
public final class ModelClosedException extends LteException {
    private static final long serialVersionUID = 1L;

    public ModelClosedException(String model) {
        super("the model " + model + " is closed", "keep the model open until its streams have ended");
    }
}
