#include "server/endpoints.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/server/http_client.h"
#include "tests/server/scripted_backend.h"

namespace server {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class Api : public ::testing::Test {
 protected:
  void start(std::vector<ScriptedRule> rules, EndpointOptions options = {}, int context = 4096) {
    backend_ = std::make_unique<ScriptedBackend>(std::move(rules), context, "");
    endpoints_ = std::make_unique<Endpoints>(*backend_, std::move(options));
    auto http = endpoints_->listen({});
    ASSERT_TRUE(http) << http.error().message;
    http_ = std::move(*http);
    thread_ = std::thread([this] { http_->run(); });
  }
  void TearDown() override {
    if (!http_) return;
    http_->stop();
    thread_.join();
    endpoints_->join();
    backend_.reset();
  }

  struct Answer {
    int status = 0;
    std::string head, body;
    json parsed() const { return json::parse(body, nullptr, false); }
  };
  static std::string unchunked(std::string_view body) {
    std::string out;
    while (true) {
      const size_t line = body.find("\r\n");
      if (line == std::string_view::npos) return out;
      const size_t n = std::stoul(std::string(body.substr(0, line)), nullptr, 16);
      if (n == 0) return out;
      out += body.substr(line + 2, n);
      body.remove_prefix(std::min(body.size(), line + 2 + n + 2));
    }
  }
  static std::string text_of(const std::string& method, const std::string& path,
                             const std::string& body, const std::string& headers,
                             const std::string& host = "127.0.0.1") {
    return method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers +
           (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") +
           "Connection: close\r\n\r\n" + body;
  }
  Answer ask(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& headers = "", const std::string& host = "127.0.0.1") {
    RawClient client(http_->port());
    client.send(text_of(method, path, body, headers, host));
    const std::string all = client.read_all();
    Answer answer;
    const size_t end = all.find("\r\n\r\n");
    if (all.size() < 12 || end == std::string::npos) return answer;
    answer.status = std::stoi(all.substr(9, 3));
    answer.head = all.substr(0, end);
    answer.body = all.substr(end + 4);
    if (answer.head.find("chunked") != std::string::npos) answer.body = unchunked(answer.body);
    return answer;
  }
  static std::string chat(const std::string& text, bool stream, const json& more = json::object()) {
    json body{{"model", "scripted"},
              {"messages", json::array({{{"role", "user"}, {"content", text}}})},
              {"stream", stream}};
    body.update(more);
    return body.dump();
  }
  double metric(const std::string& name) {
    const std::string text = ask("GET", "/metrics").body;
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  std::unique_ptr<ScriptedBackend> backend_;
  std::unique_ptr<Endpoints> endpoints_;
  std::unique_ptr<HttpServer> http_;
  std::thread thread_;
};

TEST_F(Api, AnswersAChatWholeAndAsAStream) {
  start({{.when = "hi", .reply = "Hello there.<turn|>", .times = 2}});
  const Answer whole = ask("POST", "/v1/chat/completions", chat("hi", false));
  ASSERT_EQ(whole.status, 200) << whole.body;
  const json choice = whole.parsed()["choices"][0];
  EXPECT_EQ(choice["message"]["content"], "Hello there.");
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_GT(whole.parsed()["usage"]["prompt_tokens"], 0);

  const Answer stream = ask("POST", "/v1/chat/completions", chat("hi", true));
  ASSERT_EQ(stream.status, 200);
  EXPECT_NE(stream.head.find("text/event-stream"), std::string::npos);
  std::string text;
  std::istringstream lines(stream.body);
  bool done = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("data: ")) continue;
    done = line == "data: [DONE]";
    if (done) continue;
    const json chunk = json::parse(line.substr(6));
    if (!chunk["choices"].empty() && chunk["choices"][0]["delta"].contains("content"))
      text += chunk["choices"][0]["delta"]["content"].get<std::string>();
  }
  EXPECT_EQ(text, "Hello there.");
  EXPECT_TRUE(done);
}

TEST_F(Api, TheOtherProtocolsAnswerToo) {
  start({{.when = "hi", .reply = "Hello.<turn|>", .times = 9}});
  const Answer responses =
      ask("POST", "/v1/responses", R"({"model":"scripted","input":"hi","store":false})");
  ASSERT_EQ(responses.status, 200) << responses.body;
  EXPECT_EQ(responses.parsed()["status"], "completed");
  const Answer messages =
      ask("POST", "/v1/messages",
          R"({"model":"scripted","max_tokens":50,"messages":[{"role":"user","content":"hi"}]})");
  ASSERT_EQ(messages.status, 200) << messages.body;
  EXPECT_EQ(messages.parsed()["content"][0]["text"], "Hello.");
  const Answer completions =
      ask("POST", "/v1/completions", R"({"model":"scripted","prompt":"hi","max_tokens":5})");
  ASSERT_EQ(completions.status, 200) << completions.body;
  EXPECT_EQ(completions.parsed()["choices"][0]["text"], "Hello.");
}

TEST_F(Api, ToolsThatAreSkippedAreToldInAHeader) {
  start({{.when = "hi", .reply = "Hello.<turn|>", .times = 9}});
  for (const bool stream : {false, true}) {
    const json body{{"input", "hi"},
                    {"stream", stream},
                    {"tools", {{{"type", "web_search"}}, {{"type", "custom"}, {"name", "p\n"}}}}};
    const Answer answer = ask("POST", "/v1/responses", body.dump());
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_NE(answer.head.find("X-Tessera-Skipped-Tools: web_search; custom p?\r\n"),
              std::string::npos)
        << answer.head;
  }
  EXPECT_EQ(ask("POST", "/v1/responses", R"({"input":"hi"})").head.find("X-Tessera"),
            std::string::npos);
}

TEST_F(Api, AMessageBeginsWithTheLengthOfItsPrompt) {
  start({{.when = "hi", .reply = "Hello.<turn|>", .times = 9}});
  const json body{{"max_tokens", 50},
                  {"stream", true},
                  {"messages", json::array({{{"role", "user"}, {"content", "hi"}}})}};
  const std::string stream = ask("POST", "/v1/messages", body.dump()).body;
  const auto usage = [&](const std::string& event) {
    const size_t at = stream.find("event: " + event + "\ndata: ");
    if (at == std::string::npos) return json();
    const size_t begin = stream.find('{', at);
    const json data = json::parse(stream.substr(begin, stream.find("\n\n", at) - begin));
    return event == "message_start" ? data["message"]["usage"] : data["usage"];
  };
  const json first = usage("message_start"), last = usage("message_delta");
  ASSERT_TRUE(first.is_object() && last.is_object()) << stream;
  EXPECT_GT(first["input_tokens"], 0);
  EXPECT_EQ(first["input_tokens"], last["input_tokens"]);  // nothing of it was cached
}

TEST_F(Api, AFileOfHundredsOfKilobytesIsWrittenByOneCall) {
  std::string file;
  while (file.size() < 300'000) file += "row " + std::to_string(file.size()) + ": {\"a\": [1]},\n";
  start({{.when = "write",
          .reply = "<|tool_call>call:write{content:<|\"|>" + file +
                   "<|\"|>}<tool_call|><|tool_response>",
          .times = 2}});
  const json tools{{"tools", {{{"type", "function"}, {"function", {{"name", "write"}}}}}}};
  const Answer whole = ask("POST", "/v1/chat/completions", chat("write", false, tools));
  ASSERT_EQ(whole.status, 200) << whole.body;
  const json call = whole.parsed()["choices"][0]["message"]["tool_calls"][0];
  EXPECT_EQ(json::parse(call["function"]["arguments"].get<std::string>())["content"], file);

  const Answer stream = ask("POST", "/v1/chat/completions", chat("write", true, tools));
  std::string arguments;
  std::istringstream lines(stream.body);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("data: {")) continue;
    const json delta = json::parse(line.substr(6))["choices"][0]["delta"];
    for (const json& one : delta.value("tool_calls", json::array()))
      arguments += one["function"]["arguments"].get<std::string>();
  }
  EXPECT_EQ(json::parse(arguments, nullptr, false)["content"], file);
}

TEST_F(Api, PlainEndpoints) {
  start({});
  EXPECT_EQ(ask("GET", "/health").parsed()["status"], "ok");
  EXPECT_EQ(ask("GET", "/v1/models").parsed()["data"][0]["id"], "scripted");
  EXPECT_EQ(ask("GET", "/v1/models/gemma-4-12b").parsed()["context_length"], 4096);
  EXPECT_EQ(ask("GET", "/v1/models/other").status, 404);
  EXPECT_EQ(ask("GET", "/props").parsed()["default_generation_settings"]["n_ctx"], 4096);
  EXPECT_EQ(ask("POST", "/tokenize", R"({"content":"ab"})").parsed()["tokens"],
            json::array({97, 98}));
  const Answer embedding =
      ask("POST", "/v1/embeddings", R"({"model":"scripted","input":["a","b"]})");
  ASSERT_EQ(embedding.status, 200) << embedding.body;
  EXPECT_EQ(embedding.parsed()["data"].size(), 2u);
  EXPECT_EQ(metric("tessera_running"), 0);
}

TEST_F(Api, ARecordingIsTranscribedWholeAndPieceByPiece) {
  start({});
  const std::string type = "Content-Type: multipart/form-data; boundary=xx\r\n";
  const auto form = [](const std::string& more) {
    return "--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nscripted\r\n" + more +
           "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
           "Content-Type: audio/x-wav\r\n\r\nRIFF\r\n--xx--\r\n";
  };
  const Answer whole = ask("POST", "/v1/audio/transcriptions", form(""), type);
  ASSERT_EQ(whole.status, 200) << whole.body;
  EXPECT_EQ(whole.parsed()["text"], "hello world");
  const Answer stream =
      ask("POST", "/v1/audio/transcriptions",
          form("--xx\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n"), type);
  EXPECT_NE(stream.body.find(R"("type":"transcript.text.delta")"), std::string::npos)
      << stream.body;
  EXPECT_NE(stream.body.find(R"("text":"hello world")"), std::string::npos);
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
}

TEST_F(Api, ErrorsAreJsonWithTheRightStatus) {
  start({}, {}, 100);
  struct Case {
    std::string method, path, body;
    int status;
  };
  const Case cases[] = {
      {"GET", "/nowhere", "", 404},
      {"GET", "/v1/chat/completions", "", 405},
      {"POST", "/v1/models", "{}", 405},
      {"POST", "/v1/chat/completions", "{", 400},
      {"POST", "/v1/chat/completions", chat("x", false, {{"model", "gpt"}}), 404},
      {"POST", "/v1/chat/completions", chat(std::string(1000, 'x'), true), 400},
  };
  for (const Case& one : cases) {
    const Answer answer = ask(one.method, one.path, one.body);
    EXPECT_EQ(answer.status, one.status) << one.method << " " << one.path << one.body.substr(0, 50);
    ASSERT_TRUE(answer.parsed().is_object()) << answer.body;
    EXPECT_TRUE(answer.parsed()["error"]["message"].is_string()) << answer.body;
  }
  EXPECT_EQ(ask("POST", "/v1/chat/completions", chat(std::string(1000, 'x'), true))
                .parsed()["error"]["code"],
            "context_length_exceeded");
}

TEST_F(Api, StrangersAreTurnedAwayAtTheDoor) {
  start({{.when = "hi", .reply = "Hello.<turn|>", .times = 9}},
        {.api_key = "secret", .allowed_hosts = {"box"}});
  const std::string key = "Authorization: Bearer secret\r\n";
  EXPECT_EQ(ask("GET", "/health").status, 200);
  EXPECT_EQ(ask("GET", "/v1/models").status, 401);
  EXPECT_EQ(ask("GET", "/v1/models", "", key).status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", "", "x-api-key: secret\r\n").status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", "", key, "evil.example").status, 403);
  EXPECT_EQ(ask("GET", "/v1/models", "", key, "box:1").status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", "", key + "Origin: https://evil.example\r\n").status, 403);
  EXPECT_EQ(ask("POST", "/v1/chat/completions", chat("hi", false)).status, 401);
}

TEST_F(Api, APageOfAnAllowedOriginMayAskAndReadAStream) {
  start({{.when = "hi", .reply = "Hello.<turn|>", .times = 9}},
        {.api_key = "secret", .allowed_origins = {"https://app.example"}});
  const std::string origin = "Origin: https://app.example\r\n";
  const std::string wish =
      "Access-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: authorization,content-type,x-stainless-os\r\n";
  const auto has = [](const Answer& answer, const std::string& line) {
    return (answer.head + "\r\n").find("\r\n" + line + "\r\n") != std::string::npos;
  };
  const std::string named = "Access-Control-Allow-Origin: https://app.example";

  // What a browser asks first, without the key.
  const Answer first = ask("OPTIONS", "/v1/chat/completions", "", origin + wish);
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_TRUE(first.body.empty());
  for (const std::string& line :
       {named, std::string("Vary: Origin"),
        std::string("Access-Control-Allow-Methods: GET, HEAD, POST"),
        std::string("Access-Control-Allow-Headers: authorization,content-type,x-stainless-os")})
    EXPECT_TRUE(has(first, line)) << line << "\n" << first.head;
  EXPECT_EQ(first.head.find("Private-Network"), std::string::npos);
  EXPECT_TRUE(has(ask("OPTIONS", "/v1/models", "",
                      origin + wish + "Access-Control-Request-Private-Network: true\r\n"),
                  "Access-Control-Allow-Private-Network: true"));

  // Then what it wanted; errors can be read, too.
  const std::string key = "Authorization: Bearer secret\r\n";
  const Answer stream = ask("POST", "/v1/chat/completions", chat("hi", true), origin + key);
  EXPECT_EQ(stream.status, 200);
  EXPECT_TRUE(has(stream, named)) << stream.head;
  EXPECT_TRUE(has(stream,
                  "Access-Control-Expose-Headers: Retry-After, X-Tessera-Not-Enforced, "
                  "X-Tessera-Skipped-Tools"));
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n"));
  EXPECT_TRUE(has(ask("POST", "/v1/chat/completions", "{", origin + key), named));
  const Answer no_key = ask("POST", "/v1/chat/completions", chat("hi", true), origin);
  EXPECT_EQ(no_key.status, 401);
  EXPECT_TRUE(has(no_key, named));
}

TEST_F(Api, NoOtherPageMayReadAnything) {
  start({{.when = "hi", .reply = "Hello.<turn|>", .times = 9}},
        {.allowed_origins = {"https://app.example"}});
  const std::string wish = "Access-Control-Request-Method: POST\r\n";
  for (const std::string origin :
       {"https://evil.example", "http://app.example", "https://app.example:1", "null",
        "https://app.example.evil", "http://127.0.0.1:3000"}) {
    const std::string header = "Origin: " + origin + "\r\n";
    const bool local = origin.starts_with("http://127");
    const Answer first = ask("OPTIONS", "/v1/chat/completions", "", header + wish);
    EXPECT_EQ(first.status, local ? 405 : 403) << origin;
    EXPECT_EQ(first.head.find("Access-Control"), std::string::npos) << origin;
    const Answer then = ask("POST", "/v1/chat/completions", chat("hi", false), header);
    EXPECT_EQ(then.status, local ? 200 : 403) << origin;
    EXPECT_EQ(then.head.find("Access-Control"), std::string::npos) << origin;
  }
  // Not a browser; and a browser that asks for headers no header can be called.
  const Answer plain = ask("GET", "/health");
  EXPECT_EQ(plain.head.find("Access-Control"), std::string::npos);
  EXPECT_NE(plain.head.find("Vary: Origin"), std::string::npos);  // a page may ask for the same
  const Answer odd =
      ask("OPTIONS", "/v1/models", "",
          "Origin: https://app.example\r\n" + wish + "Access-Control-Request-Headers: a;b\r\n");
  EXPECT_EQ(odd.status, 200);
  EXPECT_EQ(odd.head.find("Allow-Headers"), std::string::npos);
}

TEST_F(Api, WhatThrowsCostsItsRequestAlone) {
  start({{.when = "hi", .reply = "Hello.<turn|>", .times = 9},
         {.when = "slow", .reply = std::string(500, 'x') + "<turn|>", .times = 9, .delay_ms = 5}});
  // A stream of log-probabilities is written while the backend begins to throw.
  RawClient client(http_->port());
  client.send(text_of("POST", "/v1/chat/completions",
                      chat("slow", true, {{"logprobs", true}, {"top_logprobs", 1}}), ""));
  client.read_until("xxx");
  backend_->throws = true;
  const std::string rest = client.read_all();
  EXPECT_NE(rest.find("not enough memory"), std::string::npos) << rest.substr(0, 500);
  EXPECT_EQ(rest.find("[DONE]"), std::string::npos);

  const std::string form =
      "--xx\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nscripted\r\n--xx\r\n"
      "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--xx--\r\n";
  const std::pair<Answer, std::string> answers[] = {
      {ask("POST", "/v1/chat/completions", chat("hi", true)), "not enough memory"},
      {ask("POST", "/v1/messages",
           R"({"max_tokens":5,"messages":[{"role":"user","content":"hi"}]})"),
       R"({"error":{"message":"The server has not enough memory)"},
      {ask("POST", "/v1/embeddings", R"({"input":[[1]]})"), "The server failed."},
      {ask("POST", "/tokenize", R"({"content":"ab"})"), "not enough memory"},
      {ask("POST", "/v1/audio/transcriptions", form,
           "Content-Type: multipart/form-data; boundary=xx\r\n"),
       "The server failed: no sound"}};
  for (const auto& [answer, why] : answers) {
    EXPECT_EQ(answer.status, 500) << answer.head;
    EXPECT_NE(answer.body.find(why), std::string::npos) << answer.body;
  }

  backend_->throws = false;
  EXPECT_EQ(ask("POST", "/v1/chat/completions", chat("hi", false)).status, 200);
  EXPECT_EQ(metric("tessera_running"), 0);
}

TEST_F(Api, ASilentStreamIsKeptAliveByComments) {
  start({{.when = "hi", .reply = "Hello.<turn|>", .times = 1, .delay_ms = 150}},
        {.ping = milliseconds(20)});
  const Answer stream = ask("POST", "/v1/chat/completions", chat("hi", true));
  EXPECT_NE(stream.body.find(": ping"), std::string::npos);
  EXPECT_TRUE(stream.body.ends_with("data: [DONE]\n\n")) << stream.body;
}

TEST_F(Api, WhoLeavesIsNotServedAnyLonger) {
  start({{.when = "hi", .reply = std::string(4000, 'x') + "<turn|>", .times = 2, .delay_ms = 20}});
  for (const bool stream : {true, false}) {
    const double before = metric("tessera_cancelled_total");
    RawClient client(http_->port());
    client.send(text_of("POST", "/v1/chat/completions", chat("hi", stream), ""));
    if (stream)
      client.read_until("xxx");
    else
      for (int i = 0; i < 500 && metric("tessera_running") < 1; ++i)
        std::this_thread::sleep_for(milliseconds(10));
    client.close();
    bool cancelled = false;
    for (int i = 0; i < 500 && !cancelled; ++i) {
      std::this_thread::sleep_for(milliseconds(10));
      cancelled = metric("tessera_cancelled_total") > before;
    }
    EXPECT_TRUE(cancelled) << stream;
  }
}

}  // namespace
}  // namespace server
