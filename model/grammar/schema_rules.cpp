// A schema's values as rules. Each list of schemas that hold together is one rule, made when it is
// first asked for, and a recursive schema is a rule that names itself.
//
// The engine's lexer takes the longest lexeme and does not go back, so the same punctuation is cut
// into lexemes in the same way everywhere: `{`, a key with its colon, a separator. A string in JSON
// is one lexeme with its quotes; in a call it is the token <|"|>, its text, and the token again.
//
// An object is a chain of states "member i may come next, and so many have been written". In a call
// the members that the schema does not name may stand between any two, since the renderer sorts all
// of them; in JSON they stand at the end.
#include "model/grammar/schema_rules.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/call_transcoder.h"
#include "model/grammar/formats.h"
#include "model/grammar/number_range.h"

namespace model {

using base::Errc;
using base::Error;
using base::Result;
using std::string;
using json = nlohmann::ordered_json;

namespace {

constexpr size_t kMaxRuleBytes = 2 << 20;
constexpr int kMaxRuleDepth = 100;
constexpr size_t kMaxPatterns = 4;
constexpr size_t kMaxStates = 4000;
constexpr int64_t kMaxItems = 65'536;

// What a key may be made of without quotes (chat.cpp writes others between quotes).
constexpr std::string_view kBareKey = R"([A-Za-z0-9_.$\x{2D}\x{80}-\x{10FFFF}]+)";

string lower(string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

void sort_as_rendered(std::vector<string>& names) {
  std::sort(names.begin(), names.end(), [](const string& a, const string& b) {
    return std::pair(lower(a), a) < std::pair(lower(b), b);
  });
}

// The step of multipleOf: units * 10^-decimals, in lowest terms where decimals > 0.
struct Step {
  int64_t units = 1;
  int decimals = 0;
};
constexpr int64_t kMaxStep = 1'000'000;

std::optional<Step> step_of(const string& text) {
  const double value = json::parse(text, nullptr, false).get<double>();
  Step out;
  for (double scaled = value; out.decimals <= 9; scaled = value * std::pow(10, ++out.decimals)) {
    const double units = std::round(scaled);
    if (units > static_cast<double>(kMaxStep)) return std::nullopt;
    out.units = static_cast<int64_t>(units);
    // The same number when it is read back.
    const string back = std::to_string(out.units) + "e-" + std::to_string(out.decimals);
    if (out.units > 0 && json::parse(back, nullptr, false).get<double>() == value) return out;
  }
  return std::nullopt;
}

// The step of numbers that are multiples of both.
Step common(Step a, Step b) {
  const auto scale = [](Step& step, int decimals) {
    while (step.decimals < decimals) {
      step.units *= 10;
      ++step.decimals;
    }
  };
  scale(a, b.decimals);
  scale(b, a.decimals);
  const int64_t divisor = std::gcd(a.units, b.units);
  Step out = {a.units / divisor > kMaxStep * 10 ? kMaxStep + 1 : a.units / divisor * b.units,
              a.decimals};
  while (out.decimals > 0 && out.units % 10 == 0) {
    out.units /= 10;
    --out.decimals;
  }
  return out;
}

// As JSON writes a text, with quotes.
string json_text(const string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

string repeated(const string& one, int64_t least, int64_t most) {
  return one + "{" + std::to_string(least) + "," + (most < 0 ? "" : std::to_string(most)) + "}";
}

// A choice in parentheses; may be nothing if `optional`. Empty if there is nothing to choose.
string choice(const std::vector<string>& alternatives, bool optional = false) {
  if (alternatives.empty()) return "";
  string out = "(";
  for (size_t i = 0; i < alternatives.size(); ++i) out += (i ? " | " : "") + alternatives[i];
  return out + (optional ? ")?" : ")");
}

}  // namespace

string grammar_quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  string out = "\"";
  for (const char ch : text) {
    const auto c = static_cast<unsigned char>(ch);
    if (c == '"' || c == '\\') {
      out += {'\\', ch};
    } else if (c < 0x20 || c == 0x7f) {
      out += {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    } else {
      out += ch;
    }
  }
  return out + "\"";
}

string token_set(const std::vector<int32_t>& tokens) {
  string out = "<[";
  for (size_t i = 0; i < tokens.size(); ++i) out += (i > 0 ? "," : "") + std::to_string(tokens[i]);
  return out + "]>";
}

void SchemaRules::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

void SchemaRules::fail(const Shape& shape, std::initializer_list<const char*> keys,
                       const string& what, const string& said) {
  // The first of its schemas that says so.
  for (const json* node : shape.nodes)
    for (const char* key : keys)
      if (const auto at = node->find(key);
          at != node->end() && (said.empty() || *at == said || at->contains(said)))
        return fail(reader_->error(node, what));
  fail(reader_->error(nullptr, what));
}

string SchemaRules::fresh() { return prefix_ + std::to_string(n_rules_++); }

void SchemaRules::rule(const string& name, const string& body) {
  rules_ += name + ": " + body + "\n";
  if (rules_.size() > kMaxRuleBytes)
    fail(Error{Errc::usage,
               "schema: a grammar of more than " + std::to_string(kMaxRuleBytes) + " bytes"});
}

string SchemaRules::terminal(const string& expression) {
  const auto [at, is_new] = terminals_.try_emplace(expression);
  if (is_new) {
    at->second =
        string(1, static_cast<char>(prefix_ - 'a' + 'A')) + std::to_string(terminals_.size());
    rule(at->second, expression);
  }
  return at->second;
}

Result<string> SchemaRules::add(const json& document) { return add(document, {&document}); }

Result<string> SchemaRules::add_object(const json& document) {
  static const json kObjects = {{"type", "object"}};
  return add(document, {&document, &kObjects});
}

Result<string> SchemaRules::add(const json& document, const Schemas& schemas) {
  reader_ = std::make_unique<SchemaReader>(document);
  root_ = &document;
  values_.clear();
  if (base::Status status = reader_->check(); !status) return status.error();
  string out = value(schemas);
  if (error_) return *error_;
  return out;
}

string SchemaRules::value(const Schemas& schemas) {
  if (failed()) return "";
  if (const auto at = values_.find(schemas); at != values_.end()) return at->second;
  if (open_.size() >= kMaxRuleDepth) {
    fail(Error{Errc::usage,
               "schema: nested more than " + std::to_string(kMaxRuleDepth) + " levels deep"});
    return "";
  }
  const Result<const std::vector<Shape>*> shapes = reader_->checked_shapes(schemas);
  if (!shapes) {
    fail(shapes.error());
    return "";
  }
  if ((*shapes)->empty()) return values_[schemas] = "";
  const string name = fresh();
  values_[schemas] = name;
  open_.insert(schemas);
  std::vector<string> alternatives;
  for (const Shape& one : **shapes)
    if (string text = shape(one);
        !text.empty() &&
        std::find(alternatives.begin(), alternatives.end(), text) == alternatives.end())
      alternatives.push_back(std::move(text));
  open_.erase(schemas);
  if (alternatives.empty()) return values_[schemas] = "";
  string body;
  for (const string& one : alternatives) body += (body.empty() ? "" : " | ") + one;
  rule(name, body);
  return name;
}

string SchemaRules::shape(const Shape& shape) {
  std::vector<string> out;
  const auto add = [&](string text) {
    if (!text.empty()) out.push_back(std::move(text));
  };
  if (shape.values) {
    for (const json& value : *shape.values) add(literal(value));
  } else {
    if (shape.has(kString)) add(text(shape));
    if (shape.has(kNumber)) add(number(shape));
    if (shape.has(kBoolean)) add("\"true\" | \"false\"");
    if (shape.has(kNull)) add("\"null\"");
    if (shape.has(kObject)) add(object(shape));
    if (shape.has(kArray)) add(array(shape));
  }
  std::string text;
  for (const std::string& one : out) text += (text.empty() ? "" : " | ") + one;
  return text;
}

string SchemaRules::quoted(const std::string& inside) const {
  const std::string quote = "<[" + std::to_string(options_.quote) + "]>";
  return quote + " " + (inside.empty() ? "" : inside + " ") + quote;
}

string SchemaRules::literal(const json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (options_.spelling == Spelling::json) return grammar_quoted(json_text(text));
    return quoted(text.empty() ? "" : grammar_quoted(text));
  }
  if (value.is_array()) {
    std::string out = "\"[\"";
    for (size_t i = 0; i < value.size(); ++i)
      out += (i > 0 ? " " + comma() : "") + " " + literal(value[i]);
    return out + " \"]\"";
  }
  if (value.is_object()) {
    std::vector<std::string> names;
    for (const auto& item : value.items()) names.push_back(item.key());
    if (options_.spelling == Spelling::plain) sort_as_rendered(names);
    std::string out = "\"{\"";
    for (size_t i = 0; i < names.size(); ++i)
      out += (i > 0 ? " " + comma() : "") + " " + literal_key(names[i]) + " " +
             literal(value[names[i]]);
    return out + " \"}\"";
  }
  if (value.is_number_float()) {
    // 1.0 is written 1.
    const double number = value.get<double>();
    if (std::abs(number) < 1e18 && number == std::floor(number))
      return grammar_quoted(std::to_string(static_cast<int64_t>(number)));
  }
  return grammar_quoted(value.dump());
}

string SchemaRules::literal_key(const std::string& name) {
  if (options_.spelling == Spelling::json) return grammar_quoted(json_text(name) + ": ");
  if (call_chars::is_bare_key(name)) return grammar_quoted(name + ":");
  return quoted(name.empty() ? "" : grammar_quoted(name)) + " \":\"";
}

// What a text must be beside being a text: an expression for its characters, not quoted. Empty
// where there are no conditions; none where no text fits.
std::optional<string> SchemaRules::conditions(const Shape& shape) {
  std::string out;
  const auto add = [&](const std::string& one) { out += (out.empty() ? "" : " & ") + one; };
  for (const std::string& pattern : shape.patterns) {
    const Result<Pattern> parsed = Pattern::parse(pattern);
    const Result<std::string> regex =
        parsed ? parsed->regex(options_.spelling) : Result<std::string>(parsed.error());
    if (!regex) {
      fail(shape, {"pattern", "patternProperties"},
           "pattern " + pattern.substr(0, 60) + ": " + regex.error().message, pattern);
      return std::nullopt;
    }
    add("/" + *regex + "/");
  }
  for (const std::string& format : shape.formats) {
    const std::string expression = format_terminal(format, options_.spelling);
    if (expression.empty()) {
      fail(shape, {"format"}, "format " + format.substr(0, 40) + ": not known here", format);
      return std::nullopt;
    }
    add(expression);
  }
  if (shape.least_length > 0 || shape.most_length >= 0)
    add("/" +
        repeated(std::string(any_character(options_.spelling)), shape.least_length,
                 shape.most_length) +
        "/");
  return out;
}

string SchemaRules::text(const Shape& shape) {
  const std::optional<std::string> wanted = conditions(shape);
  if (!wanted) return "";
  if (options_.spelling == Spelling::json) {
    if (wanted->empty())
      return terminal("/\\x{22}" + std::string(any_character(options_.spelling)) + "*\\x{22}/");
    return terminal("\"\\\"\" (" + *wanted + ") \"\\\"\"");
  }
  if (shape.most_length == 0) return quoted("");
  if (wanted->empty()) return quoted(terminal("/(?s:.)+/") + "?");
  // A terminal has a text, so the empty one is said apart.
  bool may_be_empty = shape.least_length == 0;
  for (const std::string& pattern : shape.patterns) {
    const Result<Pattern> parsed = Pattern::parse(pattern);
    may_be_empty = may_be_empty && parsed && *parsed->found_in("");
  }
  for (const std::string& format : shape.formats)
    may_be_empty = may_be_empty && (format == "json-pointer" || format == "uri-reference");
  const std::string name = terminal("(" + *wanted + ") & /(?s:.)+/");
  return quoted(name + (may_be_empty ? "?" : ""));
}

string SchemaRules::number(const Shape& shape) {
  std::optional<Step> step = shape.number.integer ? std::optional(Step{1, 0}) : std::nullopt;
  for (const std::string& text : shape.multiples) {
    const std::optional<Step> one = step_of(text);
    if (one) step = step ? common(*step, *one) : one;
    if (!one || step->units > kMaxStep) {
      fail(shape, {"multipleOf"}, "multipleOf " + text + ": more digits than can be enforced");
      return "";
    }
  }
  if (step && !(shape.number.integer && step->units == 1)) {
    // The engine works out remainders in its own reading of schemas.
    json schema = {{"type", step->decimals == 0 ? "integer" : "number"}};
    if (step->units != 1 || step->decimals > 0)
      schema["multipleOf"] = json::parse(
          std::to_string(step->units) + "e-" + std::to_string(step->decimals), nullptr, false);
    const auto bound = [&](const std::optional<NumberBound>& from, const char* key,
                           const char* exclusive, double otherwise) {
      if (from)
        schema[from->exclusive ? exclusive : key] = json::parse(from->value, nullptr, false);
      else
        schema[key] = otherwise;
    };
    bound(shape.number.least, "minimum", "exclusiveMinimum", -999999999999999);
    bound(shape.number.most, "maximum", "exclusiveMaximum", 999999999999999);
    const std::string name = fresh();
    rule(name, "%json " + schema.dump());
    return name;
  }
  const Result<std::string> expression = number_terminal(shape.number);
  if (!expression) {
    fail(shape, {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"},
         "minimum or maximum: " + expression.error().message);
    return "";
  }
  return expression->empty() ? "" : terminal(*expression);
}

string SchemaRules::array(const Shape& shape) {
  int64_t least = shape.least_items, most = shape.most_items;
  if (std::max(least, most) > kMaxItems) {
    if (least > kMaxItems) {
      fail(shape, {"minItems"}, "minItems: more than " + std::to_string(kMaxItems));
      return "";
    }
    most = -1;  // nobody writes as many
  }
  auto n = static_cast<int64_t>(reader_->prefix_length(shape));
  if (most >= 0) n = std::min(n, most);
  std::vector<std::string> first;
  for (int64_t i = 0; i < n; ++i) {
    std::string item = value(reader_->item(shape, static_cast<size_t>(i)));
    if (failed()) return "";
    if (item.empty()) {  // the list ends before it
      most = n = i;
      break;
    }
    first.push_back(std::move(item));
  }
  std::string tail;
  if (most < 0 || most > n) {
    const std::string rest = value(reader_->item(shape, reader_->prefix_length(shape)));
    if (failed()) return "";
    if (rest.empty()) {
      most = n;
    } else {
      const int64_t at_least = std::max<int64_t>(0, least - n), at_most = most < 0 ? -1 : most - n;
      const std::string more = "(" + comma() + " " + rest + ")";
      if (n > 0)
        tail = repeated(more, at_least, at_most);
      else
        tail = rest + (at_most == 1 ? ""
                                    : " " + repeated(more, std::max<int64_t>(0, at_least - 1),
                                                     at_most < 0 ? -1 : at_most - 1));
      if (n == 0 && at_least == 0) tail = "(" + tail + ")?";
    }
  }
  if (most >= 0 && least > most) return "";
  for (int64_t i = n; i-- > 0;) {
    tail = (i > 0 ? comma() + " " : "") + first[static_cast<size_t>(i)] +
           (tail.empty() ? "" : " " + tail);
    if (i >= least) tail = "(" + tail + ")?";
  }
  return "\"[\" " + (tail.empty() ? "" : tail + " ") + "\"]\"";
}

// The key of a member that is not one of `names` and of whose name just the `matched` of `patterns`
// hold. The conditions are written "all keys, and not these keys with what stands around them": the
// engine's sets of tokens for free text need that form.
string SchemaRules::other_key(const Shape& shape, const std::vector<std::string>& names,
                              const std::vector<std::string>& patterns,
                              const std::set<std::string>& matched) {
  std::vector<std::string> wanted, excluded;
  for (const std::string& pattern : patterns) {
    Shape of;
    of.patterns = {pattern};
    of.nodes = shape.nodes;
    const std::optional<std::string> expression = conditions(of);
    if (!expression) return "";
    (matched.count(pattern) > 0 ? wanted : excluded).push_back("(" + *expression + ")");
  }
  if (!shape.key_schemas.empty()) {
    const Result<const std::vector<Shape>*> keys = reader_->checked_shapes(shape.key_schemas);
    if (!keys) {
      fail(keys.error());
      return "";
    }
    std::vector<std::string> all;
    bool any = false;
    for (const Shape& key : **keys) {
      if (!key.has(kString) || key.values) continue;  // values are among the names
      const std::optional<std::string> expression = conditions(key);
      if (!expression) return "";
      any = any || expression->empty();
      all.push_back("(" + *expression + ")");
    }
    if (all.empty()) return "";
    if (!any) wanted.push_back(choice(all));
  }
  const auto key = [&](const std::string& every, const std::string& before,
                       const std::string& after) {
    std::string out = "/" + every + "/";
    const auto around = [&](const std::string& one) { return "(" + before + one + after + ")"; };
    for (const std::string& one : wanted) out += " & " + around(one);
    for (const std::string& one : excluded) out += " & ~" + around(one);
    std::vector<std::string> literals;
    for (const std::string& name : names) {
      const std::string text = options_.spelling == Spelling::json ? json_text(name) : name;
      if (options_.spelling == Spelling::json)
        literals.push_back(grammar_quoted(text.substr(1, text.size() - 2)));
      else if (!name.empty())
        literals.push_back(grammar_quoted(name));
    }
    if (!literals.empty()) out += " & ~" + around(choice(literals));
    return terminal(out);
  };
  if (options_.spelling == Spelling::json)
    return key("\\x{22}" + std::string(any_character(Spelling::json)) + "*\\x{22}: ", "\"\\\"\" ",
               " \"\\\": \"");
  const std::string bare = key(std::string(kBareKey) + ":", "", " \":\"");
  const std::string in_quotes = key("(?s:.)+", "", "");
  bool may_be_empty = std::find(names.begin(), names.end(), "") == names.end();
  for (const std::string& pattern : patterns) {
    const Result<Pattern> parsed = Pattern::parse(pattern);
    may_be_empty = may_be_empty && parsed && *parsed->found_in("") == (matched.count(pattern) > 0);
  }
  if (!shape.key_schemas.empty()) {
    const Result<bool> fit = reader_->fits(json(""), shape.key_schemas);
    may_be_empty = may_be_empty && fit && *fit;
  }
  return "(" + bare + " | " + quoted(in_quotes + (may_be_empty ? "?" : "")) + " \":\")";
}

// The members that the schema does not name, key and value; empty if there are none.
string SchemaRules::other_members(const Shape& shape, const std::vector<std::string>& names) {
  const std::vector<std::string> patterns = SchemaReader::patterns(shape);
  if (patterns.size() > kMaxPatterns) {
    fail(shape, {"patternProperties"},
         "patternProperties: more than " + std::to_string(kMaxPatterns) +
             " patterns for one object");
    return "";
  }
  std::vector<std::string> out;
  for (size_t bits = 0; bits < size_t{1} << patterns.size(); ++bits) {
    std::set<std::string> matched;
    for (size_t i = 0; i < patterns.size(); ++i)
      if ((bits >> i & 1) != 0) matched.insert(patterns[i]);
    // An empty list elsewhere than of a function's parameters says that any member may come.
    const auto lists = [&](const json* node) {
      const auto listed = node->find("properties");
      return listed != node->end() && (!listed->empty() || node == root_);
    };
    if (bits == 0 && options_.closed &&
        std::any_of(shape.nodes.begin(), shape.nodes.end(), lists) &&
        std::none_of(shape.nodes.begin(), shape.nodes.end(),
                     [](const json* node) { return node->contains("additionalProperties"); }))
      continue;
    const std::string member = value(reader_->other_member(shape, matched));
    if (failed()) return "";
    if (member.empty()) continue;
    const std::string key = other_key(shape, names, patterns, matched);
    if (!key.empty()) out.push_back(key + " " + member);
  }
  if (out.empty()) return "";
  const std::string name = fresh();
  std::string body;
  for (const std::string& one : out) body += (body.empty() ? "" : " | ") + one;
  rule(name, body);
  return name;
}

string SchemaRules::object(const Shape& shape) {
  std::vector<std::string> names = SchemaReader::names(shape);
  if (!shape.key_schemas.empty()) {
    const Result<const std::vector<Shape>*> keys = reader_->checked_shapes(shape.key_schemas);
    if (!keys) {
      fail(keys.error());
      return "";
    }
    for (const Shape& key : **keys)
      if (key.values)
        for (const json& value : *key.values)
          if (value.is_string() && std::find(names.begin(), names.end(), value) == names.end())
            names.push_back(value.get<std::string>());
  }
  if (options_.spelling == Spelling::plain) sort_as_rendered(names);
  const std::string others = other_members(shape, names);
  if (failed()) return "";
  struct Member {
    std::string text;
    bool required;
  };
  std::vector<Member> members;
  for (const std::string& name : names) {
    const Result<Schemas> schemas = reader_->member(shape, name);
    if (!schemas) {
      fail(schemas.error());
      return "";
    }
    const bool required = shape.required.count(name) > 0;
    const std::string text = value(*schemas);
    if (failed()) return "";
    if (text.empty() && required) return "";
    if (text.empty()) continue;
    const std::string own = fresh();
    rule(own, literal_key(name) + " " + text);
    members.push_back({own, required});
  }

  // How many members were written is counted as far as it matters: to the least, or to the most.
  const auto n = members.size();
  const int64_t most = shape.most_members;
  const auto cap = static_cast<size_t>(
      most >= 0 ? std::min<int64_t>(most, static_cast<int64_t>(kMaxStates))
                : std::max<int64_t>(
                      1, std::min<int64_t>(shape.least_members, static_cast<int64_t>(kMaxStates))));
  if ((n + 1) * (cap + 1) > kMaxStates) {
    fail(shape, {"minProperties", "maxProperties"}, "minProperties or maxProperties: too large");
    return "";
  }
  if (!others.empty() && shape.least_members > 1) {
    // A name could come twice, and then counts once.
    const auto required = static_cast<int64_t>(shape.required.size());
    if (shape.least_members > required + 1) {
      fail(shape, {"minProperties"},
           "minProperties: " + std::to_string(shape.least_members) +
               " where members without a name in the schema would have to differ");
      return "";
    }
  }
  // state[c]: what may follow when `c` members are written and all before i are decided.
  struct State {
    bool possible = false;
    std::string text = {};  // empty: nothing
  };
  std::vector<State> states(cap + 1);
  for (size_t i = n + 1; i-- > 0;) {
    std::vector<State> now(cap + 1);
    const bool others_here = !others.empty() && (options_.spelling == Spelling::plain || i == n);
    // From the highest count down: another member goes to a state with one more.
    for (size_t c = cap + 1; c-- > 0;) {
      const bool full = most >= 0 && static_cast<int64_t>(c) >= most;
      const size_t next = std::min(c + 1, cap);
      const std::string separator = c > 0 ? comma() + " " : "";
      std::vector<std::string> alternatives;
      bool nothing = false, possible = false;
      std::string before;
      if (others_here && !full && next == c) {
        before = "(" + separator + others + ")*";
      } else if (others_here && !full && now[next].possible) {
        alternatives.push_back(separator + others +
                               (now[next].text.empty() ? "" : " " + now[next].text));
        possible = true;
      }
      if (i == n) {
        if (static_cast<int64_t>(c) >= shape.least_members) nothing = possible = true;
      } else {
        const State& skipped = states[c];
        if (!full && states[next].possible) {
          alternatives.push_back(separator + members[i].text +
                                 (states[next].text.empty() ? "" : " " + states[next].text));
          possible = true;
        }
        if (!members[i].required && skipped.possible) {
          possible = true;
          if (skipped.text.empty())
            nothing = true;
          else
            alternatives.push_back(skipped.text);
        }
      }
      now[c].possible = possible;
      if (!possible) continue;
      std::string body = before;
      if (!alternatives.empty()) body += (body.empty() ? "" : " ") + choice(alternatives, nothing);
      if (body.empty()) continue;
      // Small states are written where they stand, larger ones are rules.
      const std::string name = fresh();
      rule(name, body);
      now[c].text = name;
    }
    states = std::move(now);
  }
  if (!states[0].possible) return "";
  return "\"{\" " + (states[0].text.empty() ? "" : states[0].text + " ") + "\"}\"";
}

}  // namespace model
