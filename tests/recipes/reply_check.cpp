// Tells whether the program's own grammars can spell what the recipe wrote, and whether their watch
// lets it through. One JSON object a line on stdin: {"files": [{"path", "columns": [column of a
// profile, …]}], "first": [reply, …], "next": [reply, …], "wrong": [reply, …], "answers": [{"seen":
// [text, …], "answer": text}]}. One line each on stdout: empty, or what cannot be spelled. A reply
// is written with <48> for the special token 48. The scripts of "wrong" name a column that is not
// there: the watch must stop them.

#include <cctype>
#include <iostream>
#include <string>
#include <vector>

#include "agent/numbers.h"
#include "agent/planned_watch.h"
#include "agent/script_grammar.h"
#include "base/json.h"
#include "model/grammar/grammar.h"

namespace {

using nlohmann::json;

// Ids 0 to 255 are special tokens with Gemma's numbers, 256 + b is byte b.
constexpr int kSpecials = 256;

model::GrammarVocabulary vocabulary() {
  model::GrammarSource source;
  source.vocab_size = kSpecials + 256;
  source.is_special = [](int32_t id) { return id < kSpecials; };
  source.bytes_of = [](int32_t id) { return std::string(1, static_cast<char>(id - kSpecials)); };
  return std::move(*model::GrammarVocabulary::build(std::move(source)));
}

std::vector<int32_t> tokens(std::string_view text) {
  std::vector<int32_t> out;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t end = text.find('>', i);
    if (text[i] == '<' && end < i + 5 && end > i + 1 &&
        std::isdigit(static_cast<unsigned char>(text[i + 1])) != 0) {
      out.push_back(std::stoi(std::string(text.substr(i + 1, end - i - 1))));
      i = end;
    } else {
      out.push_back(kSpecials + static_cast<uint8_t>(text[i]));
    }
  }
  return out;
}

std::string problem(const model::Constraint& start, const std::string& text) {
  model::Constraint constraint = start.clone();
  model::TokenMask mask;
  const std::vector<int32_t> ids = tokens(text);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!constraint.mask(mask)) return "the engine fails; ";
    if (!mask.contains(ids[i]))
      return "stops before byte " + std::to_string(i) + ": " + text + "; ";
    if (!constraint.accept(ids[i])) return "the engine fails; ";
  }
  return constraint.is_accepting() ? "" : "is not complete: " + text + "; ";
}

// How far `text` gets under the watch, byte by byte; nothing: to its end.
std::string watched(const agent::PlannedWatch& watch, const std::string& text) {
  std::string reply;
  for (const int32_t id : tokens(text)) {
    reply += id < kSpecials ? model::ReplyWatch::kSpecial : static_cast<char>(id - kSpecials);
    if (!watch.allows(reply))
      return (reply.find("call:") == std::string::npos ? "the plan is watched at byte "
                                                       : "is watched at byte ") +
             std::to_string(reply.size()) + "; ";
  }
  return "";
}

agent::Names names_of(const json& files) {
  agent::Names names;
  for (const json& f : files) {
    agent::FileNames file{.path = f["path"], .is_table = !f["columns"].empty()};
    for (const json& c : f["columns"]) file.columns.push_back(agent::column_names(c));
    names.files.push_back(std::move(file));
  }
  return names;
}

}  // namespace

int main() {
  const model::GrammarVocabulary gemma = vocabulary();
  std::string line;
  while (std::getline(std::cin, line)) {
    const json example = json::parse(line);
    const agent::Names names = names_of(example["files"]);
    std::string problems;
    const auto check = [&](const std::string& grammar, const std::string& text) {
      base::Result<model::Constraint> start = model::Constraint::compile(gemma, grammar);
      problems += start ? problem(*start, text) : start.error().message + "; ";
    };
    const agent::PlannedWatch watch(names);
    for (const json& reply : example["first"]) {
      check(agent::first_reply_grammar(names), reply);
      if (const std::string at = watched(watch, reply); !at.empty())
        problems += at + reply.get<std::string>();
    }
    for (const json& reply : example["next"]) {
      check(agent::next_reply_grammar(names), reply);
      if (const std::string at = watched(watch, reply); !at.empty())
        problems += at + reply.get<std::string>();
    }
    for (const json& reply : example["wrong"])
      if (watched(watch, reply).empty()) problems += "is let through: " + reply.get<std::string>();
    for (const json& a : example["answers"]) {
      agent::AnswerWords words;
      for (const json& text : a["seen"]) agent::collect_numbers(text.get<std::string>(), words);
      check(agent::answer_grammar(words), a["answer"]);
    }
    for (char& c : problems)
      if (c == '\n') c = ' ';
    std::cout << problems << "\n" << std::flush;
  }
}
