package dev.lte.core.trainer;

import dev.lte.core.data.DataPosition;
import dev.lte.core.io.JsonView;
import dev.lte.core.train.SparsityController;
import dev.lte.train.TrainingEvent;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A {@link RunState} with the plan's digest as the JSON in a checkpoint. Numbers come back with the same bits. */
final class StateJson {
    private static final int VERSION = 1;

    private StateJson() {}

    static String write(RunState state, Map<String, String> plan) {
        ObjectNode root = JsonView.mapper().createObjectNode();
        root.put("version", VERSION);
        root.put("stage", state.stage);
        putLong(root, "stageStep", state.stageStep);
        putLong(root, "step", state.step);
        putLong(root, "modelStep", state.modelStep);
        putLong(root, "epoch", state.position.epoch());
        putLong(root, "examples", state.position.examples());
        root.put("carriedTokens", state.position.carriedTokens());
        root.put("eta", state.eta);
        root.put("threshold", state.threshold);
        root.put("sparsity", state.sparsity);
        SparsityController.State controller = state.controller;
        if (controller != null) {
            ObjectNode node = root.putObject("controller");
            node.put("logEta", controller.logEta());
            node.put("smoothed", controller.smoothed());
            node.put("lastError", controller.lastError());
            node.put("gain", controller.gain());
            node.put("side", controller.side());
            putLong(node, "observations", controller.observations());
        }
        putEvaluation(root, "best", state.best);
        putEvaluation(root, "current", state.current);
        ObjectNode options = root.putObject("plan");
        plan.forEach(options::put);
        return root.toString();
    }

    /** As text: a reader of JSON may take numbers for doubles. */
    private static void putLong(ObjectNode node, String name, long value) {
        node.put(name, Long.toString(value));
    }

    private static void putEvaluation(ObjectNode root, String name, TrainingEvent.@Nullable Evaluated evaluated) {
        if (evaluated == null) {
            return;
        }
        ObjectNode node = root.putObject(name);
        putLong(node, "step", evaluated.step());
        node.put("stage", evaluated.stage());
        node.put("natsPerToken", evaluated.natsPerToken());
        node.put("natsPerCharacter", evaluated.natsPerCharacter());
        Double accuracy = evaluated.accuracy();
        if (accuracy != null) {
            node.put("accuracy", accuracy);
        }
        node.put("sparsity", evaluated.sparsity());
        ArrayNode layers = node.putArray("layerSparsity");
        evaluated.layerSparsity().forEach(layers::add);
    }

    /** @param plan is filled with the digest of the plan that the checkpoint belongs to */
    static RunState read(String json, Path file, Map<String, String> plan) {
        JsonView root = JsonView.parse(json.getBytes(StandardCharsets.UTF_8), file, "checkpoint");
        JsonView version = root.get("version");
        if (version.integer() != VERSION) {
            throw version.unsupported("version " + version.integer() + " of checkpoints");
        }
        RunState state = new RunState();
        state.stage = root.get("stage").integer();
        state.stageStep = number(root.get("stageStep"));
        state.step = number(root.get("step"));
        state.modelStep = number(root.get("modelStep"));
        int carried = root.get("carriedTokens").integer();
        long examples = number(root.get("examples"));
        if (carried < 0 || carried > 0 && examples == 0) {
            throw root.get("carriedTokens").invalid("tokens of an example that was taken");
        }
        state.position = new DataPosition(number(root.get("epoch")), examples, carried);
        state.eta = root.get("eta").real();
        state.threshold = root.get("threshold").real();
        state.sparsity = root.get("sparsity").real();
        JsonView controller = root.get("controller");
        if (controller.isPresent()) {
            state.controller = new SparsityController.State(
                    controller.get("logEta").real(),
                    controller.get("smoothed").real(),
                    controller.get("lastError").real(),
                    controller.get("gain").real(),
                    (int) controller.get("side").real(),
                    number(controller.get("observations")));
        }
        state.best = evaluation(root.get("best"));
        state.current = evaluation(root.get("current"));
        Map<String, String> options = new LinkedHashMap<>();
        root.get("plan").forEach((name, value) -> options.put(name, value.text()));
        plan.putAll(options);
        return state;
    }

    private static long number(JsonView view) {
        try {
            long value = Long.parseLong(view.text());
            if (value >= 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            throw view.invalid("a whole number of 0 or more");
        }
        throw view.invalid("a whole number of 0 or more");
    }

    private static TrainingEvent.@Nullable Evaluated evaluation(JsonView view) {
        if (!view.isPresent()) {
            return null;
        }
        JsonView accuracy = view.get("accuracy");
        List<Double> layers = view.get("layerSparsity").elements().stream()
                .map(JsonView::real)
                .toList();
        return new TrainingEvent.Evaluated(
                number(view.get("step")),
                view.get("stage").integer(),
                view.get("natsPerToken").real(),
                view.get("natsPerCharacter").real(),
                accuracy.isPresent() ? (Double) accuracy.real() : null,
                view.get("sparsity").real(),
                layers,
                true);
    }
}
