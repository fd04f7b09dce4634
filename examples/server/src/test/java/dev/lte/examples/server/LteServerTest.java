package dev.lte.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.examples.server.TestServer.Answer;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import tools.jackson.databind.JsonNode;

@Timeout(180)
class LteServerTest {
    private static final String TOOL = "{'type':'function','function':{'name':'add','description':'Adds','parameters':"
            + "{'type':'object','properties':{'a':{'enum':[1,2]},'b':{'type':'boolean'}},'required':['a','b'],"
            + "'additionalProperties':false}}}";
    private static TestServer server;

    @BeforeAll
    static void start() {
        server = new TestServer();
    }

    @AfterAll
    static void stop() {
        server.awaitIdle();
        server.close();
    }

    private static String content(Answer answer) {
        return answer.json().at("/choices/0/message/content").stringValue();
    }

    private static String joined(List<JsonNode> events, String pointer) {
        return events.stream().map(event -> event.at(pointer).asString("")).collect(Collectors.joining());
    }

    @Test
    void aChatHasMessageUsageAndWhatWasMeasured() {
        Answer answer = server.chat(",'temperature':0,'max_tokens':12");
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        JsonNode json = answer.json();
        assertThat(json.get("object").stringValue()).isEqualTo("chat.completion");
        assertThat(json.get("id").stringValue()).startsWith("chatcmpl-");
        assertThat(json.get("model").stringValue()).isEqualTo(TestServer.MODEL);
        assertThat(json.at("/choices/0/message/role").stringValue()).isEqualTo("assistant");
        assertThat(content(answer)).isNotBlank();
        assertThat(json.at("/choices/0/finish_reason").stringValue()).isEqualTo("length");
        assertThat(json.at("/usage/completion_tokens").intValue()).isEqualTo(12);
        assertThat(json.at("/usage/total_tokens").intValue())
                .isEqualTo(12 + json.at("/usage/prompt_tokens").intValue());
        assertThat(json.at("/lte/sparsity/per_layer").size()).isEqualTo(5);
        assertThat(json.at("/lte/timings/decode_ms").doubleValue()).isPositive();
    }

    @Test
    void aStreamJoinsToTheSameText() {
        String whole = content(server.chat(",'temperature':0,'max_tokens':20"));
        Answer answer =
                server.chat(",'temperature':0,'max_tokens':20,'stream':true,'stream_options':{'include_usage':true}");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.body()).endsWith("data: [DONE]\n\n");
        List<JsonNode> events = answer.events();
        assertThat(events.getFirst().at("/choices/0/delta/role").stringValue()).isEqualTo("assistant");
        assertThat(joined(events, "/choices/0/delta/content")).isEqualTo(whole);
        assertThat(joined(events, "/choices/0/finish_reason")).isEqualTo("length");
        assertThat(events.getLast().get("choices").size()).isZero();
        assertThat(events.getLast().at("/usage/completion_tokens").intValue()).isEqualTo(20);
        assertThat(events.subList(0, events.size() - 1))
                .allMatch(event -> event.get("usage").isNull());
        assertThat(events.get(events.size() - 2).has("lte")).isTrue();
    }

    @Test
    void theSameSeedGivesTheSameText() {
        String options = ",'temperature':1.2,'max_tokens':20,'seed':7,'top_p':0.9,'top_k':50,'min_p':0.01";
        assertThat(content(server.chat(options))).isEqualTo(content(server.chat(options)));
        assertThat(content(server.chat(options)))
                .isNotEqualTo(content(server.chat(options.replace("'seed':7", "'seed':8"))));
    }

    @Test
    void stopStringsEndTheText() {
        String whole = content(server.chat(",'temperature':0,'max_tokens':30"));
        String stop = whole.replaceAll("(?s).*?[a-zA-Z ]{5}([a-zA-Z]{2}).*", "$1");
        Answer answer = server.chat(",'temperature':0,'max_tokens':30,'stop':['" + stop + "']");
        assertThat(content(answer)).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(answer.json().at("/choices/0/finish_reason").stringValue()).isEqualTo("stop");
    }

    @Test
    void logProbabilitiesOfEveryToken() {
        JsonNode json = server.chat(",'temperature':0,'max_tokens':6,'logprobs':true,'top_logprobs':3")
                .json();
        JsonNode tokens = json.at("/choices/0/logprobs/content");
        assertThat(tokens.size()).isEqualTo(6);
        for (JsonNode token : tokens) {
            assertThat(token.get("logprob").doubleValue()).isNotPositive();
            assertThat(token.get("top_logprobs").size()).isEqualTo(3);
            assertThat(token.at("/top_logprobs/0/token")).isEqualTo(token.get("token"));
        }
    }

    @Test
    void aSchemaIsEnforced() {
        for (int seed = 0; seed < 5; seed++) {
            Answer answer = server.chat(",'max_tokens':120,'temperature':1.5,'seed':" + seed
                    + ",'response_format':{'type':'json_schema','json_schema':{'name':'pet','strict':true,'schema':"
                    + "{'type':'object','properties':{'kind':{'enum':['cat','dog']},'age':{'type':'integer','minimum':0,"
                    + "'maximum':20}},'required':['kind','age'],'additionalProperties':false}}}");
            JsonNode pet = RequestFields.MAPPER.readTree(content(answer));
            assertThat(pet.get("kind").stringValue()).isIn("cat", "dog");
            assertThat(pet.get("age").intValue()).isBetween(0, 20);
            assertThat(answer.json().at("/choices/0/finish_reason").stringValue())
                    .isEqualTo("stop");
        }
    }

    @Test
    void aRequiredToolIsCalledInTheWholeAnswerAndInTheStream() {
        String options = ",'max_tokens':120,'seed':3,'tools':[" + TOOL + "],'tool_choice':'required'";
        JsonNode json = server.chat(options).json();
        JsonNode call = json.at("/choices/0/message/tool_calls/0");
        assertThat(call.at("/function/name").stringValue()).isEqualTo("add");
        JsonNode arguments =
                RequestFields.MAPPER.readTree(call.at("/function/arguments").stringValue());
        assertThat(arguments.get("a").intValue()).isIn(1, 2);
        assertThat(arguments.get("b").isBoolean()).isTrue();
        assertThat(json.at("/choices/0/message/content").isNull()).isTrue();
        assertThat(json.at("/choices/0/finish_reason").stringValue()).isEqualTo("tool_calls");

        List<JsonNode> events = server.chat(options + ",'stream':true").events();
        String streamed = joined(events, "/choices/0/delta/tool_calls/0/function/arguments");
        assertThat(RequestFields.MAPPER.readTree(streamed)).isEqualTo(arguments);
        assertThat(joined(events, "/choices/0/delta/tool_calls/0/function/name"))
                .isEqualTo("add");
        assertThat(joined(events, "/choices/0/delta/tool_calls/0/id")).isNotEmpty();
    }

    @Test
    void toolResultsAreTakenBack() {
        String body =
                "{'model':'" + TestServer.MODEL + "','max_tokens':4,'messages':[{'role':'developer','content':'x'},"
                        + "{'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]},"
                        + "{'role':'assistant','content':null,'tool_calls':[{'id':'c1','type':'function','function':"
                        + "{'name':'add','arguments':'{}'}}]},{'role':'tool','tool_call_id':'c1','content':'3'}],'tools':["
                        + TOOL
                        + "]}";
        Answer answer = server.post("/v1/chat/completions", body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(server.post("/v1/chat/completions", body.replace("'tool_call_id':'c1'", "'tool_call_id':'c2'"))
                        .error()
                        .get("param")
                        .stringValue())
                .isEqualTo("messages[3].tool_call_id");
    }

    @Test
    void completionsTakeTextOrIds() {
        Answer text = server.post(
                "/v1/completions",
                "{'model':'stories260K','prompt':'Once upon a time','max_tokens':8,'temperature':0,'logprobs':2}");
        assertThat(text.status()).as(text.body()).isEqualTo(200);
        assertThat(text.json().at("/choices/0/text").stringValue()).isNotEmpty();
        assertThat(text.json().at("/choices/0/logprobs/tokens").size()).isEqualTo(8);
        int[] ids = server.model.tokenizer().encode("Once upon a time");
        String list = java.util.Arrays.toString(ids);
        Answer same = server.post(
                "/v1/completions",
                "{'model':'stories260K','prompt':" + list + ",'max_tokens':8,'temperature':0,'stream':true}");
        assertThat(joined(same.events(), "/choices/0/text"))
                .isEqualTo(text.json().at("/choices/0/text").stringValue());
    }

    @Test
    void modelsHealthPageAndMetrics() {
        assertThat(server.get("/v1/models").json().at("/data/0/id").stringValue())
                .isEqualTo(TestServer.MODEL);
        assertThat(server.get("/v1/models/stories260K").json().at("/lte/layers").intValue())
                .isEqualTo(5);
        assertThat(server.get("/v1/models/gpt-4").status()).isEqualTo(404);
        assertThat(server.get("/health").json().get("status").stringValue()).isEqualTo("ok");
        assertThat(server.get("/").body()).contains("<title>LTE</title>").doesNotContain("http://", "https://");
        server.chat(",'max_tokens':3");
        assertThat(server.get("/metrics").body())
                .contains("lte_generated_tokens_total ")
                .contains("lte_time_to_first_token_seconds_count ")
                .contains("lte_cache_pages ")
                .contains("lte_generations_total{operation=\"chat\",outcome=\"length\"}")
                .contains("lte_http_requests_total{route=\"/v1/chat/completions\",status=\"200\"}");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | temperature      | ,'temperature':'hot'",
                "400 | temperature      | ,'temperature':-1",
                "400 | max_tokens       | ,'max_tokens':0",
                "400 | n                | ,'n':2",
                "400 | beams            | ,'beams':4",
                "400 | top_logprobs     | ,'top_logprobs':3",
                "400 | stream_options   | ,'stream_options':{'include_usage':true}",
                "400 | threshold        | ,'threshold':0.5",
                "400 | tool_choice      | ,'tool_choice':'required'",
                "400 | tools[0].type    | ,'tools':[{'type':'search'}]",
                "400 | response_format  | ,'response_format':{'type':'json_schema','json_schema':{'schema':{'not':{}}}}",
                "400 | response_format.type | ,'response_format':{'type':'xml'}",
                "400 | messages         | ,'max_tokens':100000",
                "400 | reasoning_effort | ,'reasoning_effort':'high'",
                "400 | reasoning_effort | ,'reasoning_effort':'high','stream':true",
                "400 | response_format  | ,'stream':true,'response_format':{'type':'json_schema','json_schema':{'schema':{'not':{}}}}",
            })
    void whatCannotBeHonouredIsRefusedByName(int status, String param, String more) {
        Answer answer = server.chat(more);
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.error().get("param").stringValue()).as(answer.body()).isEqualTo(param);
        assertThat(answer.error().get("type").stringValue()).isEqualTo("invalid_request_error");
        assertThat(answer.error().get("message").stringValue()).isNotBlank();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "400 | /v1/chat/completions | {",
                "400 | /v1/chat/completions | []",
                "400 | /v1/chat/completions | {'model':'stories260K'}",
                "400 | /v1/chat/completions | {'model':'stories260K','messages':[{'role':'king','content':'x'}]}",
                "400 | /v1/chat/completions | {'messages':[{'role':'user','content':'x'}]}",
                "404 | /v1/chat/completions | {'model':'gpt-4','messages':[{'role':'user','content':'x'}]}",
                "400 | /v1/completions      | {'model':'stories260K'}",
                "400 | /v1/completions      | {'model':'stories260K','prompt':['a','b']}",
                "400 | /v1/completions      | {'model':'stories260K','prompt':[99999]}",
                "400 | /v1/embeddings       | {'model':'stories260K','input':'x'}",
                "404 | /v1/nothing          | {}",
                "405 | /v1/models           | {}",
            })
    void errorsHaveBodiesOfTheProtocol(int status, String path, String body) {
        Answer answer = server.post(path, body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.error().get("message").stringValue()).isNotBlank();
        assertThat(answer.error().has("param")).isTrue();
        assertThat(answer.error().has("code")).isTrue();
    }

    @Test
    void bodiesThatAreTooLargeAreRefused() {
        try (TestServer small = new TestServer(options -> options.withMaxBodyBytes(2000), load -> {})) {
            assertThat(small.chat(",'user':'" + "x".repeat(3000) + "'").status())
                    .isEqualTo(413);
            Integer chunked = small.client()
                    .post()
                    .uri("/v1/chat/completions")
                    .send(ByteBufFlux.fromString(
                            reactor.core.publisher.Flux.range(0, 40).map(i -> "x".repeat(100))))
                    .responseSingle(
                            (response, content) -> Mono.just(response.status().code()))
                    .block(TestServer.SOON);
            assertThat(chunked).isEqualTo(413);
        }
    }

    @Test
    void onlyJsonIsTakenAndOnlyForThisHost() {
        Integer form = server.client()
                .headers(headers -> headers.set(HttpHeaderNames.CONTENT_TYPE, "text/plain"))
                .post()
                .uri("/v1/chat/completions")
                .send(ByteBufFlux.fromString(Mono.just("{}")))
                .responseSingle(
                        (response, content) -> Mono.just(response.status().code()))
                .block(TestServer.SOON);
        assertThat(form).isEqualTo(415);
        Integer rebound = server.client()
                .headers(headers -> headers.set(HttpHeaderNames.HOST, "evil.example"))
                .get()
                .uri("/v1/models")
                .responseSingle(
                        (response, content) -> Mono.just(response.status().code()))
                .block(TestServer.SOON);
        assertThat(rebound).isEqualTo(403);
    }

    @Test
    void withAKeyOnlyThePageAndHealthAreOpen() {
        try (TestServer closed = new TestServer(options -> options.withApiKey("secret"), load -> {})) {
            assertThat(closed.chat(",'max_tokens':2").status()).isEqualTo(200);
            for (String path : List.of("/v1/models", "/metrics", "/nothing")) {
                Integer status = closed.client()
                        .headers(headers -> headers.set(HttpHeaderNames.AUTHORIZATION, "Bearer wrong"))
                        .get()
                        .uri(path)
                        .responseSingle((response, content) ->
                                Mono.just(response.status().code()))
                        .block(TestServer.SOON);
                assertThat(status).as(path).isEqualTo(401);
            }
            Integer health = closed.client()
                    .headers(headers -> headers.remove(HttpHeaderNames.AUTHORIZATION))
                    .get()
                    .uri("/health")
                    .responseSingle(
                            (response, content) -> Mono.just(response.status().code()))
                    .block(TestServer.SOON);
            assertThat(health).isEqualTo(200);
        }
    }

    @Test
    void moreThanTheQueueHoldsIsRefusedWith429() {
        try (TestServer busy =
                new TestServer(options -> options, load -> load.maxStreams(1).maxQueued(1))) {
            List<Integer> statuses = reactor.core.publisher.Flux.range(0, 8)
                    .flatMap(i -> busy.posting("/v1/chat/completions", TestServer.chatBody(",'max_tokens':150")), 8)
                    .map(Answer::status)
                    .collectList()
                    .block(TestServer.SOON);
            assertThat(statuses).hasSize(8).contains(200, 429).containsOnly(200, 429);
            busy.awaitIdle();
        }
    }

    @Test
    void aClientThatLeavesStopsTheGeneration() {
        try (TestServer own = new TestServer()) {
            awaitCancelled(own, 1, () -> {
                String first = own.streaming(",'max_tokens':450,'ignore_eos':true")
                        .next()
                        .block(TestServer.SOON);
                assertThat(first).contains("data: ");
            });
            // An answer that is not streamed is given up in the same way.
            awaitCancelled(own, 2, () -> {
                var leaving = own.posting(
                                "/v1/chat/completions", TestServer.chatBody(",'max_tokens':450,'ignore_eos':true"))
                        .subscribe();
                while (own.server.activeAnswers() == 0 && !leaving.isDisposed()) {
                    Thread.onSpinWait();
                }
                leaving.dispose();
            });
        }
    }

    /**
     * Leaves until the server counts {@code count} cancelled answers. The whole answer takes the small model a tenth of
     * a second, so on a busy machine one of them may end before its client has left; not each of twenty.
     */
    private static void awaitCancelled(TestServer server, int count, Runnable leave) {
        String meter = "lte_generations_total{operation=\"chat\",outcome=\"cancelled\"} " + count + ".0";
        for (int i = 0; i < 20 && !server.metrics.scrape().contains(meter); i++) {
            leave.run();
            server.awaitIdle();
        }
        assertThat(server.metrics.scrape()).contains(meter);
    }

    @Test
    void closingLetsAnswersEndAndRefusesNewOnes() throws InterruptedException {
        TestServer own = new TestServer();
        try {
            var answer = own.posting("/v1/chat/completions", TestServer.chatBody(",'max_tokens':200,'ignore_eos':true"))
                    .toFuture();
            while (own.server.activeAnswers() == 0) {
                Thread.sleep(5);
            }
            Thread closing = Thread.ofVirtual().start(own.server::close);
            assertThat(answer.join().status()).isEqualTo(200);
            closing.join();
        } finally {
            own.close();
        }
    }
}
