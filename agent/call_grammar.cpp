// JSON Schemas as rules over Gemma's argument syntax: bare keys in sorted order, strings between
// <[52]>, no spaces. The members of an object follow each other in one order, so an optional one is
// simply a place that may be skipped; the rule for "the rest" after the first member carries the
// comma.
#include "agent/script_grammar.h"

#include <algorithm>
#include "base/json.h"

namespace agent {

namespace {

using nlohmann::json;
using std::string;

constexpr int kMaxDepth = 16;

string lower(const string& text) {
  string out = text;
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Letters, digits and _ . : - only: what a call may be named and a bare key may be spelled with.
bool is_name(const string& text) {
  return !text.empty() && text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '_' || c == '.' || c == '-';
         });
}

class SchemaRules {
 public:
  explicit SchemaRules(string& out) : out_(out) {}

  // Name of a rule for `{` members `}` of an object with this schema.
  string object(const json& schema, int depth) {
    std::vector<std::pair<string, const json*>> members;
    if (auto it = schema.find("properties"); it != schema.end() && it->is_object())
      for (const auto& [key, value] : it->items())
        if (is_name(key)) members.emplace_back(key, &value);
    std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) {
      return std::pair(lower(a.first), a.first) < std::pair(lower(b.first), b.first);
    });
    auto required = [&](const string& key) {
      auto it = schema.find("required");
      return it != schema.end() && it->is_array() &&
             std::find(it->begin(), it->end(), json(key)) != it->end();
    };
    std::vector<string> values;
    for (const auto& [key, value] : members)
      values.push_back(lark_quoted(key + ":") + " " + this->value(*value, depth + 1));
    // rest[i]: members from i on when one has been written already.
    string name = fresh("o");
    for (size_t i = 0; i < members.size(); ++i) {
      string rest = "\",\" " + values[i];
      if (!required(members[i].first)) rest = "(" + rest + ")?";
      if (i + 1 < members.size()) rest += " " + name + "r" + std::to_string(i + 1);
      out_ += name + "r" + std::to_string(i) + ": " + rest + "\n";
    }
    string starts;
    bool may_be_empty = true;
    for (size_t i = 0; i < members.size(); ++i) {
      starts += (i ? " | " : "") + values[i];
      if (i + 1 < members.size()) starts += " " + name + "r" + std::to_string(i + 1);
      if (required(members[i].first)) {
        may_be_empty = false;
        break;
      }
    }
    string body = starts.empty() ? "" : "(" + starts + ")" + (may_be_empty ? "?" : "");
    out_ += name + ": \"{\" " + body + " \"}\"\n";
    return name;
  }

  // An expression for one value.
  string value(const json& schema, int depth) {
    if (depth > kMaxDepth || !schema.is_object()) return any();
    if (auto it = schema.find("const"); it != schema.end()) return literal(*it);
    if (auto it = schema.find("enum"); it != schema.end() && it->is_array() && !it->empty()) {
      string out;
      for (const json& item : *it) out += (out.empty() ? "" : " | ") + literal(item);
      return "(" + out + ")";
    }
    for (const char* key : {"anyOf", "oneOf"}) {
      if (auto it = schema.find(key); it != schema.end() && it->is_array() && !it->empty()) {
        string out;
        for (const json& item : *it) out += (out.empty() ? "" : " | ") + value(item, depth + 1);
        return "(" + out + ")";
      }
    }
    std::vector<string> types;
    if (auto it = schema.find("type"); it != schema.end()) {
      if (it->is_string()) types.push_back(lower(it->get<string>()));
      if (it->is_array())
        for (const json& item : *it)
          if (item.is_string()) types.push_back(lower(item.get<string>()));
    }
    if (auto it = schema.find("nullable"); it != schema.end() && *it == true)
      types.push_back("null");
    if (types.empty() || (types.size() == 1 && types[0] == "null" && !schema.contains("type")))
      return any();
    string out;
    for (const string& type : types) out += (out.empty() ? "" : " | ") + typed(type, schema, depth);
    return "(" + out + ")";
  }

  bool uses_any() const { return uses_any_; }

 private:
  string fresh(const char* prefix) { return prefix + std::to_string(n_++) + "x"; }

  string any() {
    uses_any_ = true;
    return "anyvalue";
  }

  string literal(const json& item) {
    if (item.is_string()) {
      const string& text = item.get_ref<const string&>();
      return text.empty() ? "<[52]> <[52]>" : "<[52]> " + lark_quoted(text) + " <[52]>";
    }
    if (item.is_structured()) return any();
    return lark_quoted(item.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  string typed(const string& type, const json& schema, int depth) {
    if (type == "string") return "<[52]> FREE? <[52]>";
    if (type == "integer") return "INTEGER";
    if (type == "number") return "NUMBER";
    if (type == "boolean") return "BOOLEAN";
    if (type == "null") return "\"null\"";
    if (type == "array") {
      auto bound = [&](const char* key, int otherwise) {
        auto it = schema.find(key);
        if (it == schema.end() || !it->is_number_integer()) return otherwise;
        return static_cast<int>(std::clamp<int64_t>(it->get<int64_t>(), 0, 1000));
      };
      int least = bound("minItems", 0), most = std::max(bound("maxItems", -1), -1);
      auto it = schema.find("items");
      string item = it != schema.end() ? value(*it, depth + 1) : any();
      string name = fresh("l");
      out_ += name + ": " + item + "\n";
      if (most == 0) return "\"[]\"";
      string more = "(\",\" " + name + ")" +
                    (most < 0 ? "{" + std::to_string(std::max(least - 1, 0)) + ",}"
                              : "{" + std::to_string(std::max(least - 1, 0)) + "," +
                                    std::to_string(std::max(most, least) - 1) + "}");
      string body = name + " " + more;
      return "\"[\" " + (least == 0 ? "(" + body + ")?" : body) + " \"]\"";
    }
    if (type == "object") {
      if (schema.contains("properties")) return object(schema, depth);
      uses_any_ = true;
      return "anyobject";
    }
    return any();
  }

  string& out_;
  int n_ = 0;
  bool uses_any_ = false;
};

}  // namespace

base::Result<string> call_grammar(const json& tools, const CallOptions& options) {
  using base::Errc;
  using base::Error;
  if (!tools.is_array() || tools.empty())
    return Error{Errc::usage, "a grammar of calls needs a list of tools"};
  string rules, calls;
  SchemaRules schemas(rules);
  for (const json& tool : tools) {
    auto name = tool.is_object() ? tool.find("name") : tool.end();
    if (!tool.is_object() || name == tool.end() || !name->is_string() ||
        !is_name(name->get<string>()))
      return Error{Errc::usage,
                   "a tool without a proper name: " +
                       tool.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 80)};
    auto parameters = tool.find("parameters");
    string object = schemas.object(
        parameters != tool.end() && parameters->is_object() ? *parameters : json::object(), 0);
    calls +=
        (calls.empty() ? "" : " | ") + lark_quoted("call:" + name->get<string>()) + " " + object;
  }
  string many = options.max_calls > 1 ? "{1," + std::to_string(options.max_calls) + "}" : "";
  string out = "start: onecall" + many + " <[50,106]>";
  if (options.text_allowed) out += " | FREE? <[106]>";
  out += "\nonecall: <[48]> body <[49]>\nbody: " + calls + "\n" + rules;
  out += "FREE: /(?s:.)+/\n";
  out += "INTEGER: /-?(0|[1-9][0-9]{0,17})/\n";
  out += "NUMBER: /-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,17})?([eE][+-]?[0-9]{1,3})?/\n";
  out += "BOOLEAN: \"true\" | \"false\"\n";
  if (schemas.uses_any()) {
    out += "anyvalue: <[52]> FREE? <[52]> | NUMBER | BOOLEAN | \"null\" | anyobject | anylist\n";
    out += "anyobject: \"{\" (KEY anyvalue (\",\" KEY anyvalue)*)? \"}\"\n";
    out += "anylist: \"[\" (anyvalue (\",\" anyvalue)*)? \"]\"\n";
    out += "KEY: /[A-Za-z_][A-Za-z0-9_.-]{0,63}:/\n";
  }
  return out;
}

}  // namespace agent
