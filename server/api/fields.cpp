// Reading a body: nlohmann's parser does not recurse and says through its callback how deep it is
// and which key it has read, so depth, number and repetition are bounded while it reads. What is
// over a bound is discarded there, before it takes memory.
#include "server/api/fields.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/utf8.h"

namespace server {
namespace {

using nlohmann::json;

// Whether every byte belongs to a well-formed character; *at: the first that does not.
bool is_utf8(std::string_view text, size_t* at) {
  for (size_t i = 0; i < text.size();) {
    const size_t length =
        static_cast<unsigned char>(text[i]) < 0x80 ? 1 : base::utf8_length(text.substr(i));
    if (length == 0) {
      *at = i;
      return false;
    }
    i += length;
  }
  return true;
}

// Number of single-character changes from one word to another (Levenshtein), of short words.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string in_words(double value) {
  const json number = value == std::floor(value) ? json(static_cast<int64_t>(value)) : json(value);
  return number.dump();
}

// Walks over JSON text that is known to be well formed.
class Walker {
 public:
  explicit Walker(std::string_view text) : s_(text) {}

  void skip_blank() {
    while (at_ < s_.size() && std::string_view(" \t\n\r").find(s_[at_]) != std::string_view::npos)
      ++at_;
  }
  char peek() const { return at_ < s_.size() ? s_[at_] : '\0'; }
  void next() { ++at_; }
  size_t at() const { return at_; }

  void skip_string() {
    for (++at_; at_ < s_.size() && s_[at_] != '"'; ++at_)
      if (s_[at_] == '\\') ++at_;
    ++at_;
  }
  void skip_value() {
    int depth = 0;
    do {
      skip_blank();
      const char c = peek();
      if (c == '"') {
        skip_string();
      } else if (c == '{' || c == '[') {
        ++depth, ++at_;
      } else if (c == '}' || c == ']') {
        --depth, ++at_;
      } else if (c == ',' || c == ':') {
        ++at_;
      } else {
        while (at_ < s_.size() &&
               std::string_view(",:]} \t\n\r").find(s_[at_]) == std::string_view::npos)
          ++at_;
      }
      if (depth > 0) skip_blank();
    } while (depth > 0 && at_ < s_.size());
  }

 private:
  std::string_view s_;
  size_t at_ = 0;
};

// may_repeat: a key may stand twice in an object; the last one holds.
json parse(std::string_view body, bool may_repeat, Problem& problem) {
  const std::string what = "the body";
  size_t at = 0;
  if (!is_utf8(body, &at)) {
    problem.say("", what + " is not UTF-8: byte " + std::to_string(at), "invalid_json");
    return nullptr;
  }
  size_t n_values = 0;
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const json::parser_callback_t look = [&](int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        if (depth >= kMaxJsonDepth)
          problem.say("", what + " is nested more than " + std::to_string(kMaxJsonDepth) + " deep",
                      "invalid_json");
        if (event == json::parse_event_t::object_start && !may_repeat) keys.emplace_back();
        break;
      case json::parse_event_t::object_end:
        if (!keys.empty()) keys.pop_back();
        break;
      case json::parse_event_t::key: {
        const std::string& key = parsed.get_ref<const std::string&>();
        if (!keys.empty() && !keys.back().insert(key).second)
          problem.say(key, "the key " + in_quotes(key) + " stands twice in one object",
                      "invalid_json");
        break;
      }
      default:
        break;
    }
    if (++n_values > kMaxJsonValues)
      problem.say("", what + " holds more than " + std::to_string(kMaxJsonValues) + " values",
                  "invalid_json");
    return !problem;
  };
  json value;
  try {
    value = json::parse(body.data(), body.data() + body.size(), look);
  } catch (const json::parse_error& e) {
    problem.say("", what + " is not JSON: it cannot be read at byte " + std::to_string(e.byte),
                "invalid_json");
  } catch (const json::exception&) {
    problem.say("", what + " holds a number that is out of range", "invalid_json");
  }
  if (!problem && !value.is_object())
    problem.say("", what + " is not a JSON object", "invalid_json");
  if (problem) return nullptr;
  return value;
}

}  // namespace

void Problem::say(std::string field, std::string message, std::string code) {
  if (error_) return;
  error_ =
      ApiError{.message = std::move(message), .param = std::move(field), .code = std::move(code)};
}

std::string at_index(std::string_view path, size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

std::string in_quotes(std::string_view text) {
  std::string shown = base::utf8_repaired(text.substr(0, 60));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return '"' + shown + (text.size() > 60 ? "…\"" : "\"");
}

json parse_body(std::string_view body, Problem& problem) { return parse(body, false, problem); }

json parse_past_arguments(std::string_view text) {
  if (text.find_first_not_of(" \t\n\r") == std::string_view::npos) return json::object();
  Problem problem;
  json value = parse(text, true, problem);
  return problem ? json{{"unreadable", base::utf8_repaired(text)}} : value;
}

std::string_view text_at(std::string_view body, std::initializer_list<std::string_view> path) {
  Walker walker(body);
  for (const std::string_view name : path) {
    walker.skip_blank();
    if (walker.peek() != '{') return {};
    walker.next();
    bool found = false;
    while (!found) {
      walker.skip_blank();
      if (walker.peek() == ',') {
        walker.next();
        continue;
      }
      if (walker.peek() != '"') return {};
      const size_t begin = walker.at();
      walker.skip_string();
      const std::string_view key = body.substr(begin, walker.at() - begin);
      walker.skip_blank();
      if (walker.peek() != ':') return {};
      walker.next();
      found = json::parse(key.begin(), key.end(), nullptr, false) == json(name);
      if (!found) walker.skip_value();
    }
  }
  walker.skip_blank();
  const size_t begin = walker.at();
  walker.skip_value();
  return body.substr(begin, walker.at() - begin);
}

Fields::Fields(const json& object, std::string path, Problem& problem)
    : object_(&object), path_(std::move(path)), problem_(problem) {
  if (object.is_object()) return;
  problem_.say(path_, path_ + " is not an object", "invalid_type");
  static const json kNone = json::object();
  object_ = &kNone;
}

std::string Fields::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

const json* Fields::any(std::string_view name) {
  known_.emplace(name);
  const auto at = object_->find(std::string(name));
  return at == object_->end() || at->is_null() ? nullptr : &*at;
}

void Fields::wrong(std::string_view name, std::string_view what, std::string code) {
  problem_.say(path(name), path(name) + " " + std::string(what), std::move(code));
}

std::optional<std::string> Fields::text(std::string_view name) {
  const json* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get_ref<const std::string&>();
  wrong(name, "is not a string", "invalid_type");
  return std::nullopt;
}

std::optional<double> Fields::number(std::string_view name, double low, double high) {
  const json* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    wrong(name, "is not a number", "invalid_type");
    return std::nullopt;
  }
  const double number = value->get<double>();
  if (number >= low && number <= high) return number;
  wrong(name, "is " + value->dump() + ", expected " + in_words(low) + " to " + in_words(high));
  return std::nullopt;
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t low, int64_t high) {
  const json* value = any(name);
  if (value == nullptr) return std::nullopt;
  const bool fits =
      value->is_number_integer() ||
      (value->is_number_float() && std::floor(value->get<double>()) == value->get<double>());
  if (!fits) {
    wrong(name, "is not a whole number", "invalid_type");
    return std::nullopt;
  }
  // 2^53: beyond it a double and what a client meant may differ.
  const bool is_signed = !value->is_number_unsigned() && !value->is_number_float();
  const double rough = value->get<double>();
  if (rough >= static_cast<double>(low) && rough <= static_cast<double>(high)) {
    if (value->is_number_float() && std::abs(rough) <= 9007199254740992.0)
      return static_cast<int64_t>(rough);
    if (is_signed) {
      const int64_t exact = value->get<int64_t>();
      if (exact >= low && exact <= high) return exact;
    } else if (value->is_number_unsigned()) {
      const uint64_t exact = value->get<uint64_t>();
      if (high >= 0 && exact <= static_cast<uint64_t>(high)) return static_cast<int64_t>(exact);
    }
  }
  wrong(name, "is " + value->dump() + ", expected " + std::to_string(low) + " to " +
                  std::to_string(high));
  return std::nullopt;
}

std::optional<bool> Fields::flag(std::string_view name) {
  const json* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  wrong(name, "is neither true nor false", "invalid_type");
  return std::nullopt;
}

std::optional<std::string> Fields::choice(std::string_view name,
                                          std::initializer_list<std::string_view> values) {
  std::optional<std::string> value = text(name);
  if (!value || std::find(values.begin(), values.end(), *value) != values.end()) return value;
  std::string list;
  for (const std::string_view one : values) list += (list.empty() ? "" : ", ") + std::string(one);
  wrong(name, "is " + in_quotes(*value) + ", expected one of " + list);
  return std::nullopt;
}

const json* Fields::object(std::string_view name) {
  const json* value = any(name);
  if (value == nullptr || value->is_object()) return value;
  wrong(name, "is not an object", "invalid_type");
  return nullptr;
}

const json* Fields::list(std::string_view name, size_t most) {
  const json* value = any(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    wrong(name, "is not a list", "invalid_type");
    return nullptr;
  }
  if (value->size() <= most) return value;
  wrong(name, "has " + std::to_string(value->size()) + " entries, at most " + std::to_string(most) +
                  " are possible");
  return nullptr;
}

void Fields::ignore(std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) known_.emplace(name);
}

void Fields::refuse(std::initializer_list<std::string_view> names, std::string_view why) {
  for (const std::string_view name : names)
    if (any(name) != nullptr) wrong(name, why, "unsupported_parameter");
}

void Fields::require(std::string_view name) {
  if (any(name) == nullptr) wrong(name, "is missing", "missing_required_parameter");
}

void Fields::finish() {
  for (const auto& [name, value] : object_->items()) {
    if (known_.contains(name)) continue;
    std::string message = "unknown field " + in_quotes(path(name));
    const std::string* nearest = nullptr;
    size_t best = std::max<size_t>(2, name.size() / 3) + 1;
    for (const std::string& candidate : known_) {
      if (name.size() > 64) break;
      if (const size_t d = distance(name, candidate); d < best) best = d, nearest = &candidate;
    }
    if (nearest != nullptr) message += "; did you mean " + path(*nearest) + "?";
    problem_.say(base::utf8_repaired(path(name).substr(0, 200)), message, "unknown_parameter");
    return;
  }
}

}  // namespace server
