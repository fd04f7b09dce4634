// OpenAI's own Node client, as it is, against a running server:
//   npm install && node client.mjs http://127.0.0.1:8080/v1 MODEL [KEY]
// Exits with 0 if every step is as it should be. The model needs a chat template with tools of the Hermes family.
import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, model, apiKey = "none"] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "system", content: "You tell stories." }, { role: "user", content: "Once upon" }];
const tools = [{ type: "function", function: { name: "weather", description: "Weather of a city", strict: true, parameters: {
  type: "object", properties: { city: { enum: ["Bern", "Rom"] } }, required: ["city"], additionalProperties: false } } }];
const chat = (more, options) => client.chat.completions.create({ model, messages, temperature: 0, max_tokens: 24, ...more }, options);
const steps = {
  async chat() {
    const answer = await chat();
    assert.equal(answer.choices[0].message.role, "assistant");
    assert.ok(answer.choices[0].message.content.length > 0);
    assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  },
  async stream() {
    let text = "", usage;
    for await (const chunk of await chat({ stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, (await chat()).choices[0].message.content);
    assert.equal(usage.completion_tokens, 24);
  },
  async streamHelper() {
    const whole = await client.chat.completions.stream({ model, messages, temperature: 0, max_tokens: 24 }).finalChatCompletion();
    assert.equal(whole.choices[0].message.content, (await chat()).choices[0].message.content);
  },
  async tools() {
    const answer = await chat({ tools, tool_choice: "required", max_tokens: 150 });
    assert.equal(answer.choices[0].finish_reason, "tool_calls");
    const call = answer.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, "weather");
    assert.ok(["Bern", "Rom"].includes(JSON.parse(call.function.arguments).city));
    const after = await client.chat.completions.create({ model, tools, tool_choice: "none", max_tokens: 8,
      messages: [...messages, answer.choices[0].message, { role: "tool", tool_call_id: call.id, content: "sunny" }] });
    assert.equal(after.choices[0].message.tool_calls, undefined);
  },
  async streamedTools() {
    const whole = await client.chat.completions.stream({ model, messages, tools, tool_choice: { type: "function",
      function: { name: "weather" } }, temperature: 0, max_tokens: 150 }).finalChatCompletion();
    assert.ok(["Bern", "Rom"].includes(JSON.parse(whole.choices[0].message.tool_calls[0].function.arguments).city));
  },
  async jsonSchema() {
    const schema = { type: "object", properties: { tame: { type: "boolean" }, kind: { enum: ["cat", "dog"] } },
      required: ["tame", "kind"], additionalProperties: false };
    const answer = await client.chat.completions.parse({ model, messages, max_tokens: 120,
      response_format: { type: "json_schema", json_schema: { name: "pet", strict: true, schema } } });
    const pet = JSON.parse(answer.choices[0].message.content);
    assert.equal(typeof pet.tame, "boolean");
    assert.ok(["cat", "dog"].includes(pet.kind));
  },
  async cancel() {
    const stream = await chat({ stream: true, max_tokens: 400 });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta?.content) break;
    }
    assert.ok(stream.controller.signal.aborted);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    await assert.rejects(chat({ max_tokens: 450 }, { signal: abort.signal }), OpenAI.APIUserAbortError);
  },
  async completionsModelsEmbeddings() {
    assert.ok((await client.completions.create({ model, prompt: "Once upon a time", max_tokens: 5 })).choices[0].text.length);
    assert.deepEqual((await client.models.list()).data.map(m => m.id), [model]);
    assert.equal((await client.models.retrieve(model)).id, model);
    await assert.rejects(client.embeddings.create({ model, input: "x" }), OpenAI.BadRequestError);
  },
  async errors() {
    await assert.rejects(chat({ temperature: -1 }), e => e instanceof OpenAI.BadRequestError && e.param === "temperature");
    await assert.rejects(chat({ max_tokens: 99999 }), e => e.code === "context_length_exceeded" && e.status === 400);
    await assert.rejects(chat({ model: "gpt-4" }), e => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
    await assert.rejects(chat({ best_guess: true }), e => e.status === 400 && e.param === "best_guess");
    await assert.rejects(chat({ stream: true, max_tokens: 99999 }), e => e.status === 400);
    if (apiKey !== "none") {
      const stranger = new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 });
      await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
    }
  },
};
for (const [name, step] of Object.entries(steps)) {
  await step();
  console.log("ok", name);
}
