// Prints the sample replies in every protocol, streamed and whole, as JSON: what test_clients.py
// hands to the protocols' own clients.
#include <cstdio>

#include "base/json.h"
#include "tests/server/api/replies.h"

int main() {
  using nlohmann::json;
  using namespace server;
  json all = json::array();
  for (const auto& [protocol, name] : {std::pair{Protocol::chat, "chat"},
                                       {Protocol::completions, "completions"},
                                       {Protocol::responses, "responses"},
                                       {Protocol::messages, "messages"}}) {
    for (const NamedReply& sample : sample_replies()) {
      for (const int logprobs : {-1, 2}) {
        const Said reply = said(sample.text);
        const Request request{.protocol = protocol,
                              .raw_prompt = "Once",
                              .generate = {.logprobs = logprobs},
                              .include_usage = true};
        json calls = json::array();
        for (const model::FunctionCall& call : reply.out.message.calls)
          calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
        all.push_back({{"protocol", name},
                       {"name", sample.name},
                       {"logprobs", logprobs >= 0},
                       {"text", reply.out.message.text},
                       {"reasoning", reply.out.message.reasoning},
                       {"calls", std::move(calls)},
                       {"errors", reply.out.errors},
                       {"finish", std::string(model::name_of(reply.out.finish))},
                       {"n_tokens", reply.out.tokens.size()},
                       {"stream", streamed(request, reply)},
                       {"whole", whole(request, reply)}});
      }
    }
  }
  std::printf("%s\n", all.dump().c_str());
}
