// The official JSON Schema test suite, draft 2020-12 (tests/golden/json-schema), for both ways in
// which values are written: JSON, and arguments of Gemma's calls. Every schema is compiled or
// refused with a message; of those compiled, every valid instance is in the grammar and no invalid
// one is. In JSON the order of members is the grammar's: an instance is in it if some order is.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>

#include "base/json.h"
#include "model/grammar/grammar.h"
#include "model/grammar/json_schema.h"
#include "model/grammar/schema_rules.h"
#include "tests/golden.h"
#include "tests/model/grammar/byte_vocabulary.h"

namespace model {
namespace {

using json = nlohmann::ordered_json;

constexpr int kQuote = 7, kEnd = 3;
constexpr size_t kMaxOrders = 5000;

using Tokens = std::vector<int32_t>;

void append(Tokens& to, const Tokens& more) { to.insert(to.end(), more.begin(), more.end()); }

std::string number(const json& value) {
  if (value.is_number_float()) {
    const double x = value.get<double>();
    if (std::abs(x) < 1e20 && x == std::floor(x)) {  // 1.0 and 1 are one number
      char text[32];
      std::snprintf(text, sizeof(text), "%.0f", x);
      return text;
    }
  }
  return value.dump();
}

// All spellings in JSON: one per order of members.
std::vector<std::string> spellings(const json& value) {
  std::vector<std::string> out;
  const auto join = [&](const std::vector<std::vector<std::string>>& parts, const std::string& open,
                        const std::string& close) {
    std::vector<std::string> texts = {open};
    for (size_t i = 0; i < parts.size(); ++i) {
      std::vector<std::string> longer;
      for (const std::string& text : texts)
        for (const std::string& part : parts[i])
          if (longer.size() < kMaxOrders) longer.push_back(text + (i > 0 ? ", " : "") + part);
      texts = std::move(longer);
    }
    for (const std::string& text : texts)
      if (out.size() < kMaxOrders) out.push_back(text + close);
  };
  if (value.is_array()) {
    std::vector<std::vector<std::string>> parts;
    for (const json& item : value) parts.push_back(spellings(item));
    join(parts, "[", "]");
  } else if (value.is_object()) {
    std::vector<std::vector<std::string>> members;
    for (const auto& item : value.items()) {
      members.emplace_back();
      for (const std::string& text : spellings(item.value()))
        members.back().push_back(json(item.key()).dump() + ": " + text);
    }
    std::sort(members.begin(), members.end());
    do join(members, "{", "}");
    while (out.size() < kMaxOrders && std::next_permutation(members.begin(), members.end()));
  } else {
    out.push_back(value.is_number() ? number(value) : value.dump());
  }
  return out;
}

bool is_bare(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return c >= 0x80 || std::isalnum(c) || c == '_' || c == '-' || c == '.' || c == '$';
  });
}

void write_call(const json& value, Tokens& out) {
  const auto quoted = [&](const std::string& text) {
    out.push_back(kQuote);
    append(out, bytes_of(text));
    out.push_back(kQuote);
  };
  if (value.is_string()) {
    quoted(value.get<std::string>());
  } else if (value.is_array()) {
    append(out, bytes_of("["));
    for (size_t i = 0; i < value.size(); ++i) {
      if (i > 0) append(out, bytes_of(","));
      write_call(value[i], out);
    }
    append(out, bytes_of("]"));
  } else if (value.is_object()) {
    std::vector<std::pair<std::string, std::string>> keys;
    for (const auto& item : value.items()) {
      std::string lower = item.key();
      for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
      keys.emplace_back(lower, item.key());
    }
    std::sort(keys.begin(), keys.end());
    append(out, bytes_of("{"));
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i > 0) append(out, bytes_of(","));
      if (is_bare(keys[i].second))
        append(out, bytes_of(keys[i].second));
      else
        quoted(keys[i].second);
      append(out, bytes_of(":"));
      write_call(value[keys[i].second], out);
    }
    append(out, bytes_of("}"));
  } else {
    append(out, bytes_of(value.is_number() ? number(value) : value.dump()));
  }
}

struct Count {
  int compiled = 0, refused = 0, right = 0, wrong = 0;
};

base::Result<std::string> grammar_for(const json& schema, Spelling spelling) {
  if (spelling == Spelling::json) return grammar_of_schema(schema.dump(), {kEnd});
  SchemaRules rules({.spelling = Spelling::plain, .quote = kQuote}, 'a');
  base::Result<std::string> value = rules.add(schema);
  if (!value) return value;
  if (value->empty()) return base::Error{base::Errc::usage, "schema: nothing fits it"};
  return "start: " + *value + " " + token_set({kEnd}) + "\n" + rules.rules();
}

bool accepted(Constraint& constraint, Tokens tokens) {
  tokens.push_back(kEnd);
  return constraint.count_accepted(tokens) == static_cast<int>(tokens.size());
}

class SchemaSuite : public testing::TestWithParam<Spelling> {};

TEST_P(SchemaSuite, EverySchemaIsRightOrRefusedByName) {
  std::ifstream file(golden("json-schema/suite.json"));
  const json suite = json::parse(file, nullptr, false);
  ASSERT_TRUE(suite.is_object());
  std::map<std::string, Count> counts;
  std::map<std::string, int> refusals;
  Count all;
  for (const auto& entry : suite.items()) {
    // By the default of the draft a format says nothing; ours are enforced: optional/format/.
    if (entry.key() == "format") continue;
    Count& count = counts[entry.key()];
    for (const json& group : entry.value()) {
      const std::string where = entry.key() + ": " + group["description"].get<std::string>();
      const base::Result<std::string> grammar = grammar_for(group["schema"], GetParam());
      if (!grammar) {
        const std::string& message = grammar.error().message;
        if (message == "schema: nothing fits it") {
          ++count.compiled;
          for (const json& test : group["tests"]) {
            ++(test[1] == false ? count.right : count.wrong);
            EXPECT_EQ(test[1], false) << where << ": " << test[0];
          }
          continue;
        }
        EXPECT_EQ(grammar.error().code, base::Errc::usage) << where;
        EXPECT_EQ(message.substr(0, 8), "schema: ") << where;
        EXPECT_GT(message.size(), 15u) << where;
        ++count.refused;
        ++refusals[message.substr(0, 90)];
        continue;
      }
      base::Result<Constraint> constraint = Constraint::compile(byte_vocabulary(), *grammar);
      EXPECT_TRUE(constraint) << where << ": " << constraint.error().message << "\n" << *grammar;
      if (!constraint) continue;
      ++count.compiled;
      base::Result<Constraint> plain =
          Constraint::compile(byte_vocabulary(), *grammar, GrammarReader::engine);
      ASSERT_TRUE(plain) << where;
      for (const json& test : group["tests"]) {
        bool fits = false;
        if (GetParam() == Spelling::plain) {
          Tokens tokens;
          write_call(test[0], tokens);
          EXPECT_EQ(constraint->count_accepted(tokens), plain->count_accepted(tokens)) << where;
          fits = accepted(*constraint, std::move(tokens));
        } else {
          for (const std::string& text : spellings(test[0])) {
            EXPECT_EQ(constraint->count_accepted(bytes_of(text)),
                      plain->count_accepted(bytes_of(text)))
                << where;
            fits = fits || accepted(*constraint, bytes_of(text));
          }
        }
        ++(fits == test[1].get<bool>() ? count.right : count.wrong);
        EXPECT_EQ(fits, test[1].get<bool>()) << where << "\n"
                                             << group["schema"] << "\n"
                                             << test[0] << "\n"
                                             << *grammar;
      }
    }
  }
  std::printf("%-40s compiled refused right wrong\n", "");
  for (const auto& [name, count] : counts) {
    std::printf("%-40s %8d %7d %5d %5d\n", name.c_str(), count.compiled, count.refused, count.right,
                count.wrong);
    all.compiled += count.compiled;
    all.refused += count.refused;
    all.right += count.right;
    all.wrong += count.wrong;
  }
  std::printf("%-40s %8d %7d %5d %5d\n", "all", all.compiled, all.refused, all.right, all.wrong);
  for (const auto& [message, n] : refusals) std::printf("%4d %s\n", n, message.c_str());
  EXPECT_EQ(all.wrong, 0);
  EXPECT_GE(all.compiled, 240);
}

INSTANTIATE_TEST_SUITE_P(BothSpellings, SchemaSuite,
                         testing::Values(Spelling::json, Spelling::plain), [](const auto& info) {
                           return info.param == Spelling::json ? "Json" : "Calls";
                         });

}  // namespace
}  // namespace model
