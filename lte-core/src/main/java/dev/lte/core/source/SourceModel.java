package dev.lte.core.source;

import dev.lte.core.arch.ModelConfig;

/**
 * What a file says of its model.
 *
 * @param tied whether the token embedding is the head
 * @param needs which weights must be there
 */
record SourceModel(Family family, ModelConfig config, boolean tied, RoleNeeds needs) {}
