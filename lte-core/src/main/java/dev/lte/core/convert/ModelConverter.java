package dev.lte.core.convert;

import dev.lte.ConversionReport;
import dev.lte.ConversionReport.ConvertedTensor;
import dev.lte.Progress;
import dev.lte.UnsupportedModelException;
import dev.lte.WeightType;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.format.gguf.GgufWriter;
import dev.lte.core.source.Family;
import dev.lte.core.source.GgufKeys;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Writes any model as GGUF, so that other programs can read it as far as they know its family: llama.cpp's names, metadata
 * and row order, LTE's routing beside them. Weights that are of the wanted type already are copied bit by bit.
 */
public final class ModelConverter {
    private static final System.Logger LOG = System.getLogger(ModelConverter.class.getName());

    private ModelConverter() {}

    /**
     * @param target replaced when the new file is complete
     * @param type of matrices; vectors, routers and learned positions stay F32
     * @param progress told of the bytes of tensors that are written
     * @throws UnsupportedModelException if GGUF has no place for something in the model
     */
    public static ConversionReport convert(
            ModelSource source, Path target, WeightType type, Consumer<Progress> progress) {
        ModelConfig config = source.config();
        Family family = Family.of(config.architecture());
        GgufRopeWriter ropes = new GgufRopeWriter(config, family);
        List<String> notes = new ArrayList<>();
        Map<String, Object> metadata =
                new LinkedHashMap<>(GgufModelMetadata.of(config, source.name(), type, ropes.metadata()));
        source.provenance().forEach((key, value) -> metadata.putIfAbsent(GgufKeys.LTE + key, value));
        addTokenizer(source, metadata, notes);
        List<GgufWriter.Entry> entries = new ArrayList<>();
        for (GgufRopeWriter.Divisors divisors : ropes.divisors()) {
            entries.add(divisors.entry());
        }
        List<PlannedTensor> plan = new GgufPlan(source, type).tensors();
        List<TensorRecoder> recoders = new ArrayList<>();
        for (PlannedTensor tensor : plan) {
            TensorRecoder recoder = new TensorRecoder(tensor);
            recoders.add(recoder);
            entries.add(new GgufWriter.Entry(tensor.name(), tensor.dtype(), tensor.shape(), recoder));
        }
        GgufWriter.write(target, metadata, entries, progress);
        return report(target, plan, recoders, notes);
    }

    private static void addTokenizer(ModelSource source, Map<String, Object> metadata, List<String> notes) {
        try {
            metadata.putAll(TokenizerPairs.of(
                    source.tokenizer().metadata(), source.config().vocabulary()));
        } catch (UnsupportedModelException e) {
            notes.add("written without a tokenizer: " + e.getMessage());
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0} is written without a tokenizer: {1}",
                    source.path(),
                    e.getMessage());
        }
        String template = source.chatTemplate();
        if (template != null) {
            metadata.put(GgufKeys.CHAT_TEMPLATE, template);
        }
    }

    private static ConversionReport report(
            Path target, List<PlannedTensor> plan, List<TensorRecoder> recoders, List<String> notes) {
        List<ConvertedTensor> tensors = new ArrayList<>();
        long elements = 0;
        for (int i = 0; i < plan.size(); i++) {
            PlannedTensor tensor = plan.get(i);
            elements += tensor.elements();
            tensors.add(new ConvertedTensor(
                    tensor.name(),
                    tensor.from().name(),
                    tensor.dtype().name(),
                    tensor.bytes(),
                    recoders.get(i).relativeError(),
                    tensor.note()));
        }
        try {
            return new ConversionReport(Files.size(target), elements, tensors, notes);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the size of " + target, e);
        }
    }
}
