#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/grammar/pattern.h"
#include "model/grammar/schema.h"

namespace model {

struct RuleOptions {
  /// json: JSON with one space after separators, members in the order of the schema, others after
  /// them. plain: Gemma's calls, no spaces, members in the order of the renderer.
  Spelling spelling = Spelling::json;
  int quote = -1;  ///< token around strings; plain only
  /// Objects whose schema lists properties and says nothing of others have no others. An empty
  /// list counts in the document's root alone: a function's parameters that are none.
  bool closed = false;
};

/// Writes the values that fit schemas as rules of a grammar, for any number of schemas one after
/// the other. Names of rules and terminals begin with `prefix`, a letter, in lower and upper case.
class SchemaRules {
 public:
  SchemaRules(RuleOptions options, char prefix) : options_(options), prefix_(prefix) {}

  /// What stands for the values that fit `document` in a rule; empty if nothing fits. The document
  /// needs not live on. Errors: usage (names the keyword and its place; too large a grammar).
  base::Result<std::string> add(const nlohmann::ordered_json& document);
  /// The same of objects only.
  base::Result<std::string> add_object(const nlohmann::ordered_json& document);

  /// All rules so far.
  const std::string& rules() const { return rules_; }

 private:
  using json = nlohmann::ordered_json;

  base::Result<std::string> add(const nlohmann::ordered_json& document, const Schemas& schemas);
  void fail(base::Error error);
  void fail(const Shape& shape, std::initializer_list<const char*> keys, const std::string& what,
            const std::string& said = {});
  bool failed() const { return error_.has_value(); }
  std::string fresh();
  void rule(const std::string& name, const std::string& body);
  std::string terminal(const std::string& expression);

  std::string value(const Schemas& schemas);
  std::string shape(const Shape& shape);
  std::string literal(const json& value);
  std::string text(const Shape& shape);
  std::string number(const Shape& shape);
  std::string array(const Shape& shape);
  std::string object(const Shape& shape);
  std::string literal_key(const std::string& name);
  std::string other_members(const Shape& shape, const std::vector<std::string>& names);
  std::string other_key(const Shape& shape, const std::vector<std::string>& names,
                        const std::vector<std::string>& patterns,
                        const std::set<std::string>& matched);
  std::optional<std::string> conditions(const Shape& shape);
  std::string quoted(const std::string& terminal_or_literal) const;
  std::string comma() const { return options_.spelling == Spelling::json ? "\", \"" : "\",\""; }

  RuleOptions options_;
  char prefix_;
  std::unique_ptr<SchemaReader> reader_;
  const json* root_ = nullptr;                    // of the present document
  std::map<Schemas, std::string> values_;         // of the present document
  std::map<std::string, std::string> terminals_;  // by expression
  std::set<Schemas> open_;
  std::string rules_;
  int n_rules_ = 0;
  std::optional<base::Error> error_;
};

/// `text` as a string literal of a grammar.
std::string grammar_quoted(std::string_view text);
/// `<[1,2]>`
std::string token_set(const std::vector<int32_t>& tokens);

}  // namespace model
