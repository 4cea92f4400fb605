// A schema is worked out into shapes. Several schemas that hold together (allOf, $ref beside other
// keywords, what two schemas say about one property) are a list of places in the document, and
// reading such a list gives branches: every keyword narrows the branch it is read in, anyOf and
// oneOf split it. What stands below, properties and items, stays a list of places and is read when
// somebody asks for it, so recursive schemas need no special care: the same list is the same
// answer.
//
// oneOf is anyOf whose alternatives cannot fit together; branches that took different alternatives
// are compared, and where they can't be told apart (by types, values, ranges, or a required member)
// the schema is refused.
#include "model/grammar/schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "model/grammar/pattern.h"

namespace model {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using json = nlohmann::ordered_json;
using std::string;

namespace {

constexpr int kMaxSchemaDepth = 64;
constexpr size_t kMaxBranches = 256;
constexpr int64_t kMaxSteps = 50'000;
constexpr int64_t kMaxCount = 1'000'000;
constexpr int kMaxCompared = 3;  // levels of members that tell alternatives apart

constexpr std::array kAnnotations = {"$schema",
                                     "$id",
                                     "id",
                                     "$comment",
                                     "$anchor",
                                     "$dynamicAnchor",
                                     "$defs",
                                     "title",
                                     "definitions",
                                     "description",
                                     "default",
                                     "examples",
                                     "example",
                                     "deprecated",
                                     "readOnly",
                                     "writeOnly",
                                     "contentMediaType",
                                     "contentEncoding",
                                     "contentSchema",
                                     "propertyOrdering",
                                     "markdownDescription",
                                     "enumDescriptions",
                                     "externalDocs"};

// Read somewhere below.
constexpr std::array kKeywords = {"type",
                                  "nullable",
                                  "enum",
                                  "const",
                                  "allOf",
                                  "anyOf",
                                  "oneOf",
                                  "not",
                                  "$ref",
                                  "if",
                                  "then",
                                  "else",
                                  "minimum",
                                  "maximum",
                                  "exclusiveMinimum",
                                  "exclusiveMaximum",
                                  "multipleOf",
                                  "minLength",
                                  "maxLength",
                                  "pattern",
                                  "format",
                                  "items",
                                  "prefixItems",
                                  "additionalItems",
                                  "minItems",
                                  "maxItems",
                                  "uniqueItems",
                                  "contains",
                                  "minContains",
                                  "maxContains",
                                  "properties",
                                  "patternProperties",
                                  "additionalProperties",
                                  "required",
                                  "minProperties",
                                  "maxProperties",
                                  "propertyNames",
                                  "dependentRequired",
                                  "dependentSchemas",
                                  "dependencies",
                                  "unevaluatedItems",
                                  "unevaluatedProperties"};

template <class List>
bool among(const List& list, const string& key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

const json* find(const json& node, const char* key) {
  if (!node.is_object()) return nullptr;
  const auto at = node.find(key);
  return at == node.end() ? nullptr : &*at;
}

void add_once(Schemas& to, const json* schema) {
  if (std::find(to.begin(), to.end(), schema) == to.end()) to.push_back(schema);
}

// Equal for equal values: members in order of their names, numbers without a part after the point
// as integers.
void write_key(const json& value, string& out) {
  if (value.is_object()) {
    std::map<string, const json*> members;
    for (const auto& item : value.items()) members.emplace(item.key(), &item.value());
    out += '{';
    for (const auto& [name, member] : members) {
      write_key(name, out);
      out += ':';
      write_key(*member, out);
      out += ',';
    }
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    for (const json& item : value) {
      write_key(item, out);
      out += ',';
    }
    out += ']';
  } else {
    const double number = value.is_number_float() ? value.get<double>() : 0.5;
    out += number == std::floor(number) && std::abs(number) < 1e18
               ? std::to_string(static_cast<int64_t>(number))
               : value.dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

string key_of(const json& value) {
  string out;
  write_key(value, out);
  return out;
}

uint8_t type_of(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return kNull;
    case json::value_t::boolean:
      return kBoolean;
    case json::value_t::string:
      return kString;
    case json::value_t::array:
      return kArray;
    case json::value_t::object:
      return kObject;
    default:
      return kNumber;
  }
}

bool is_whole(const json& value) {
  if (value.is_number_integer()) return true;
  const double number = value.get<double>();
  return std::isfinite(number) && std::floor(number) == number;
}

// How the two compare as numbers; both are JSON numbers.
int compare(const json& a, const json& b) { return a < b ? -1 : b < a ? 1 : 0; }
json number_of(const string& text) { return json::parse(text, nullptr, false); }

bool satisfies(const json& value, const NumberRange& range) {
  if (range.integer && !is_whole(value)) return false;
  if (range.least) {
    const int order = compare(value, number_of(range.least->value));
    if (order < 0 || (order == 0 && range.least->exclusive)) return false;
  }
  if (range.most) {
    const int order = compare(value, number_of(range.most->value));
    if (order > 0 || (order == 0 && range.most->exclusive)) return false;
  }
  return true;
}

bool is_multiple(const json& value, const string& of) {
  const json step = number_of(of);
  if (value.is_number_integer() && step.is_number_integer() && step != 0)
    return value.get<int64_t>() % step.get<int64_t>() == 0;
  const double quotient = value.get<double>() / step.get<double>();
  return std::isfinite(quotient) && std::abs(quotient - std::round(quotient)) < 1e-9;
}

string escaped_step(const string& key) {
  string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : string(1, c);
  return out;
}

// The path to a place, found by looking everywhere: only for messages.
bool find_path(const json& from, const json* at, string& path, int depth) {
  if (&from == at) return true;
  if (depth > kMaxSchemaDepth + 8 || !from.is_structured()) return false;
  size_t i = 0;
  for (const auto& item : from.items()) {
    const size_t length = path.size();
    path += "/" + (from.is_array() ? std::to_string(i) : escaped_step(item.key()));
    if (find_path(item.value(), at, path, depth + 1)) return true;
    path.resize(length);
    ++i;
  }
  return false;
}

}  // namespace

struct SchemaReader::Branch {
  Shape shape;
  Schemas todo, done;
};

Error SchemaReader::error(const json* at, const string& what) const {
  string path;
  if (at == nullptr || !find_path(root_, at, path, 0)) path.clear();
  if (path.size() > 200) path = path.substr(0, 200) + "…";
  return Error{Errc::usage, "schema: " + (path.empty() ? "" : path + ": ") + what};
}

Status SchemaReader::walk(const json& value, int depth) {
  if (depth > kMaxSchemaDepth)
    return Error{Errc::usage,
                 "schema: nested more than " + std::to_string(kMaxSchemaDepth) + " levels deep"};
  if (!value.is_structured()) return Ok{};
  for (const auto& item : value.items()) {
    const string& key = item.key();
    if (value.is_object() && item.value().is_string()) {
      if (key == "$anchor" || key == "$dynamicAnchor")
        anchors_.emplace(item.value().get<string>(), &value);
      if (key == "$id" && &value != &root_) nested_id_ = &value;
    }
    const bool is_value = key == "enum" || key == "const" || key == "default" || key == "examples";
    if (is_value && value.is_object()) {
      // What looks like an anchor there is none, but the depth counts.
      std::map<string, const json*> anchors = anchors_;
      const json* nested = nested_id_;
      Status status = walk(item.value(), depth + 1);
      anchors_ = std::move(anchors);
      nested_id_ = nested;
      if (!status) return status;
      continue;
    }
    if (Status status = walk(item.value(), depth + 1); !status) return status;
  }
  return Ok{};
}

Status SchemaReader::check() {
  if (Status status = walk(root_, 0); !status) return status;
  if (const json* dialect = find(root_, "$schema")) {
    const string name = dialect->is_string() ? dialect->get<string>() : "";
    const size_t host = name.find("://json-schema.org/");
    static const std::set<string> kKnown = {
        "schema",          "draft/2020-12/schema", "draft/2019-09/schema",
        "draft-07/schema", "draft-06/schema",      "draft-04/schema"};
    string path = host == string::npos ? "" : name.substr(host + 19);
    if (path.ends_with('#')) path.pop_back();
    if (kKnown.count(path) == 0) return error(&root_, "$schema: an unknown dialect, " + name);
  }
  return Ok{};
}

Result<const json*> SchemaReader::resolve(const json& node) const {
  const json& value = node["$ref"];
  if (!value.is_string()) return error(&node, "$ref: not a text");
  string text = value.get<string>();
  if (nested_id_ != nullptr)
    return error(nested_id_, "$id: not below the top, where there is $ref");
  if (const json* id = find(root_, "$id"); id != nullptr && id->is_string()) {
    const string& own = id->get_ref<const string&>();
    if (!own.empty() && text.starts_with(own) &&
        (text.size() == own.size() || text[own.size()] == '#'))
      text.erase(0, own.size());
  }
  if (text.empty() || text == "#") return &root_;
  if (text[0] != '#') return error(&node, "$ref: only inside the schema, not to " + text);
  string pointer;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() &&
        std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      pointer += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      pointer += text[i];
    }
  }
  const Error missing = error(&node, "$ref: nothing at " + text);
  if (pointer[0] != '/') {
    const auto at = anchors_.find(pointer);
    if (at == anchors_.end()) return missing;
    return at->second;
  }
  const json* at = &root_;
  size_t begin = 1;
  while (begin <= pointer.size()) {
    const size_t end = std::min(pointer.find('/', begin), pointer.size());
    string step;
    for (size_t i = begin; i < end; ++i) {
      if (pointer[i] != '~') {
        step += pointer[i];
        continue;
      }
      ++i;
      step += i < end && pointer[i] == '1' ? '/' : '~';
    }
    begin = end + 1;
    if (at->is_object()) {
      const auto next = at->find(step);
      if (next == at->end()) return missing;
      at = &*next;
    } else if (at->is_array() && !step.empty() && step.size() < 7 &&
               step.find_first_not_of("0123456789") == string::npos &&
               static_cast<size_t>(std::stoi(step)) < at->size()) {
      at = &(*at)[static_cast<size_t>(std::stoi(step))];
    } else {
      return missing;
    }
  }
  return at;
}

Status SchemaReader::apply_types(const json& node, Shape& shape) const {
  if (const json* type = find(node, "type")) {
    uint8_t types = 0;
    bool integer = true;
    const auto add = [&](const json& item) -> Status {
      string name = item.is_string() ? item.get<string>()
                                     : item.dump(-1, ' ', false, json::error_handler_t::replace);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      constexpr std::pair<std::string_view, uint8_t> kNames[] = {
          {"null", kNull},     {"boolean", kBoolean}, {"number", kNumber}, {"integer", kNumber},
          {"string", kString}, {"array", kArray},     {"object", kObject}};
      for (const auto& [known, bit] : kNames) {
        if (name != known) continue;
        types |= bit;
        if (name == "number") integer = false;
        return Ok{};
      }
      return error(&node, "type: unknown, " + name.substr(0, 40));
    };
    if (type->is_array()) {
      for (const json& item : *type)
        if (Status status = add(item); !status) return status;
    } else if (Status status = add(*type); !status) {
      return status;
    }
    if (const json* nullable = find(node, "nullable"); nullable != nullptr && *nullable == true)
      types |= kNull;
    if ((types & kNumber) != 0 && integer) shape.number.integer = true;
    shape.types &= types;
  }
  if (const json* nullable = find(node, "nullable"); nullable != nullptr && !nullable->is_boolean())
    return error(&node, "nullable: neither true nor false");
  const auto narrow = [&](std::vector<json> values) {
    if (!shape.values) {
      shape.values = std::move(values);
      return;
    }
    std::set<string> keys;
    for (const json& value : values) keys.insert(key_of(value));
    std::erase_if(*shape.values, [&](const json& value) { return !keys.contains(key_of(value)); });
  };
  if (const json* constant = find(node, "const")) narrow({*constant});
  if (const json* values = find(node, "enum")) {
    if (!values->is_array()) return error(&node, "enum: not a list");
    narrow(values->get<std::vector<json>>());
  }
  return Ok{};
}

Status SchemaReader::apply_numbers(const json& node, Shape& shape) const {
  NumberRange& range = shape.number;
  const auto narrow = [&](std::optional<NumberBound>& bound, const json& value, bool exclusive,
                          int better) {
    const int order = bound ? compare(value, number_of(bound->value)) : better;
    if (order == better || (order == 0 && exclusive)) bound = NumberBound{value.dump(), exclusive};
  };
  struct Side {
    const char* key;
    const char* exclusive_key;
    std::optional<NumberBound>& bound;
    int better;
  };
  for (const Side& side : {Side{"minimum", "exclusiveMinimum", range.least, 1},
                           Side{"maximum", "exclusiveMaximum", range.most, -1}}) {
    const json* exclusive = find(node, side.exclusive_key);
    const bool flag = exclusive != nullptr && exclusive->is_boolean();  // draft 4
    if (const json* value = find(node, side.key)) {
      if (!value->is_number()) return error(&node, string(side.key) + ": not a number");
      narrow(side.bound, *value, flag && exclusive->get<bool>(), side.better);
    }
    if (exclusive == nullptr || flag) continue;
    if (!exclusive->is_number()) return error(&node, string(side.exclusive_key) + ": not a number");
    narrow(side.bound, *exclusive, true, side.better);
  }
  if (const json* step = find(node, "multipleOf")) {
    if (!step->is_number() || !(step->get<double>() > 0))
      return error(&node, "multipleOf: not a number above zero");
    shape.multiples.push_back(step->dump());
  }
  return Ok{};
}

Status SchemaReader::apply_counts(const json& node, Shape& shape) const {
  const auto narrow = [&](const char* least_key, const char* most_key, int64_t& least,
                          int64_t& most) -> Status {
    for (const bool is_least : {true, false}) {
      const char* key = is_least ? least_key : most_key;
      const json* value = find(node, key);
      if (value == nullptr) continue;
      if (!value->is_number() || !is_whole(*value) || value->get<double>() < 0)
        return error(&node, string(key) + ": not a count");
      if (value->get<double>() > static_cast<double>(kMaxCount)) {
        if (is_least) return error(&node, string(key) + ": more than " + std::to_string(kMaxCount));
        continue;  // nobody writes as much
      }
      const auto count = static_cast<int64_t>(value->get<double>());
      if (is_least)
        least = std::max(least, count);
      else
        most = most < 0 ? count : std::min(most, count);
    }
    return Ok{};
  };
  if (Status s = narrow("minLength", "maxLength", shape.least_length, shape.most_length); !s)
    return s;
  if (Status s = narrow("minItems", "maxItems", shape.least_items, shape.most_items); !s) return s;
  if (Status s = narrow("minProperties", "maxProperties", shape.least_members, shape.most_members);
      !s)
    return s;
  for (const auto& [key, list] :
       {std::pair("pattern", &shape.patterns), {"format", &shape.formats}}) {
    const json* value = find(node, key);
    if (value == nullptr) continue;
    if (!value->is_string()) return error(&node, string(key) + ": not a text");
    if (!among(*list, value->get<string>())) list->push_back(value->get<string>());
  }
  return Ok{};
}

// `not`, where what is left is a shape again.
Status SchemaReader::apply_not(const json& node, Shape& shape) const {
  const json* inner = find(node, "not");
  if (inner == nullptr) return Ok{};
  const auto refuse = [&] {
    return error(&node, "not: only of true, false, types or one required");
  };
  if (inner->is_boolean()) {
    if (inner->get<bool>()) shape.types = 0;
    return Ok{};
  }
  if (!inner->is_object()) return refuse();
  const json* type = nullptr;
  const json* required = nullptr;
  for (const auto& item : inner->items()) {
    if (item.key() == "type")
      type = &item.value();
    else if (item.key() == "required")
      required = &item.value();
    else if (!among(kAnnotations, item.key()))
      return refuse();
  }
  if (type != nullptr && required != nullptr) return refuse();
  if (type == nullptr && required == nullptr) {
    shape.types = 0;
    return Ok{};
  }
  if (required != nullptr) {
    if (!required->is_array() || required->size() != 1 || !(*required)[0].is_string())
      return refuse();
    shape.types &= kObject;
    shape.forbidden.insert((*required)[0].get<string>());
    return Ok{};
  }
  Shape excluded;
  if (Status status = apply_types(json{{"type", *type}}, excluded); !status)
    return error(&node, "not: an unknown type");
  if (excluded.has(kNumber) && excluded.number.integer) return refuse();
  shape.types &= static_cast<uint8_t>(~excluded.types);
  return Ok{};
}

Status SchemaReader::apply_objects(const json& node, Branch& branch,
                                   std::vector<Branch>& more) const {
  Shape& shape = branch.shape;
  if (const json* required = find(node, "required")) {
    if (!required->is_array()) return error(&node, "required: not a list");
    for (const json& name : *required) {
      if (!name.is_string()) return error(&node, "required: not a list of names");
      shape.required.insert(name.get<string>());
    }
  }
  for (const char* key : {"properties", "patternProperties", "$defs", "definitions"})
    if (const json* value = find(node, key); value != nullptr && !value->is_object())
      return error(&node, string(key) + ": not an object");
  if (const json* prefix = find(node, "prefixItems"); prefix != nullptr && !prefix->is_array())
    return error(&node, "prefixItems: not a list");
  if (const json* names = find(node, "propertyNames")) add_once(shape.key_schemas, names);
  // Either the member is not there, or what depends on it holds.
  for (const char* key : {"dependentRequired", "dependentSchemas", "dependencies"}) {
    const json* all = find(node, key);
    if (all == nullptr) continue;
    if (!all->is_object()) return error(&node, string(key) + ": not an object");
    for (const auto& item : all->items()) {
      std::vector<Branch> others = more;
      others.push_back(branch);
      if (others.size() > kMaxBranches) return error(&node, string(key) + ": too many cases");
      for (Branch& other : others) {
        other.shape.types &= kObject;
        other.shape.required.insert(item.key());
        if (item.value().is_array()) {
          for (const json& name : item.value()) {
            if (!name.is_string()) return error(&node, string(key) + ": not a list of names");
            other.shape.required.insert(name.get<string>());
          }
        } else {
          other.todo.push_back(&item.value());
        }
      }
      branch.shape.forbidden.insert(item.key());
      for (Branch& old : more) old.shape.forbidden.insert(item.key());
      more.insert(more.end(), others.begin(), others.end());
    }
  }
  return Ok{};
}

// Reads one schema into a branch; the other branches it makes go to `more`.
Status SchemaReader::apply(const json& node, Branch& branch, std::vector<Branch>& more) {
  if (++steps_ > kMaxSteps) return error(nullptr, "too many combinations of its parts");
  if (node.is_boolean()) {
    if (!node.get<bool>()) branch.shape.types = 0;
    return Ok{};
  }
  if (!node.is_object()) return error(&node, "neither an object nor true or false");
  for (const auto& item : node.items()) {
    const string& key = item.key();
    if (key == "x-guidance") return error(&node, "x-guidance: not from outside");
    if (!key.starts_with("x-") && !among(kAnnotations, key) && !among(kKeywords, key))
      return error(&node, key.substr(0, 60) + ": this keyword can't be enforced");
  }
  for (const char* key : {"contains", "minContains", "maxContains"}) {
    const json* least = find(node, "minContains");
    const bool empty = least != nullptr && *least == 0 && find(node, "maxContains") == nullptr;
    if (find(node, key) != nullptr && find(node, "contains") != nullptr && !empty)
      return error(&node, string(key) + ": this keyword can't be enforced");
  }
  for (const char* key : {"unevaluatedItems", "unevaluatedProperties"})
    if (const json* value = find(node, key); value != nullptr && *value != true)
      return error(&node, string(key) + ": this keyword can't be enforced");
  if (find(node, "if") != nullptr &&
      (find(node, "then") != nullptr || find(node, "else") != nullptr))
    return error(&node, "if: this keyword can't be enforced");
  if (const json* unique = find(node, "uniqueItems")) {
    if (!unique->is_boolean()) return error(&node, "uniqueItems: neither true nor false");
    if (unique->get<bool>()) branch.shape.choices.emplace_back(unique, 0);
  }
  Shape& shape = branch.shape;
  if (Status status = apply_types(node, shape); !status) return status;
  if (Status status = apply_numbers(node, shape); !status) return status;
  if (Status status = apply_counts(node, shape); !status) return status;
  if (Status status = apply_not(node, shape); !status) return status;
  add_once(shape.nodes, &node);
  if (find(node, "$ref") != nullptr) {
    const Result<const json*> target = resolve(node);
    if (!target) return target.error();
    branch.todo.push_back(*target);
  }
  if (const json* all = find(node, "allOf")) {
    if (!all->is_array()) return error(&node, "allOf: not a list");
    for (const json& one : *all) branch.todo.push_back(&one);
  }
  if (Status status = apply_objects(node, branch, more); !status) return status;
  for (const char* key : {"anyOf", "oneOf"}) {
    const json* any = find(node, key);
    if (any == nullptr) continue;
    if (!any->is_array() || any->empty()) return error(&node, string(key) + ": not a list");
    std::vector<Branch> before = std::move(more);
    before.insert(before.begin(), std::move(branch));
    if (before.size() * any->size() > kMaxBranches)
      return error(&node, string(key) + ": too many alternatives");
    more.clear();
    for (const Branch& from : before) {
      for (size_t i = 0; i < any->size(); ++i) {
        more.push_back(from);
        more.back().todo.push_back(&(*any)[i]);
        if (key == std::string_view("oneOf"))
          more.back().shape.choices.emplace_back(&node, static_cast<int>(i));
      }
    }
    branch = std::move(more.front());
    more.erase(more.begin());
  }
  return Ok{};
}

Result<bool> SchemaReader::pattern_fits(const string& pattern, const string& text) const {
  const Result<Pattern> parsed = Pattern::parse(pattern);
  if (!parsed)
    return error(nullptr, "pattern " + pattern.substr(0, 60) + ": " + parsed.error().message);
  const Result<bool> found = parsed->found_in(text);
  if (!found)
    return error(nullptr, "pattern " + pattern.substr(0, 60) + ": " + found.error().message);
  return found;
}

// What can be settled once a branch is complete: empty ranges, names that may not be there, values
// that don't fit. False if nothing fits.
Result<bool> SchemaReader::finish(Shape& shape) {
  if (shape.most_length >= 0 && shape.least_length > shape.most_length) shape.types &= ~kString;
  if (shape.most_items >= 0 && shape.least_items > shape.most_items) shape.types &= ~kArray;
  if (shape.most_members >= 0 && shape.least_members > shape.most_members) shape.types &= ~kObject;
  for (const string& name : shape.required)
    if (shape.forbidden.count(name) > 0) shape.types &= ~kObject;
  for (auto at = shape.choices.begin(); at != shape.choices.end();) {
    if (!at->first->is_boolean()) {
      ++at;
      continue;
    }
    // uniqueItems: nothing to tell apart in a list of one.
    if (shape.has(kArray) && !shape.values && (shape.most_items < 0 || shape.most_items > 1))
      return error(at->first, "this keyword can't be enforced");
    if (shape.values)
      std::erase_if(*shape.values, [](const json& value) {
        if (!value.is_array()) return false;
        std::set<string> items;
        return !std::all_of(value.begin(), value.end(),
                            [&](const json& item) { return items.insert(key_of(item)).second; });
      });
    at = shape.choices.erase(at);
  }
  if (shape.values) {
    // Each is compared with the rest of the shape.
    std::vector<json> all = std::move(*shape.values), values;
    shape.values = std::nullopt;
    uint8_t types = 0;
    for (json& value : all) {
      const Result<bool> fit = fits(value, shape);
      if (!fit) return fit;
      if (!*fit || !shape.value_keys.insert(key_of(value)).second) continue;
      types |= type_of(value);
      values.push_back(std::move(value));
    }
    shape.values = std::move(values);
    shape.types &= types;
  }
  return shape.types != 0;
}

Result<const std::vector<Shape>*> SchemaReader::shapes(const Schemas& schemas) {
  if (const auto at = shapes_.find(schemas); at != shapes_.end()) return &at->second;
  std::vector<Branch> open = {Branch{.shape = {}, .todo = schemas, .done = {}}};
  std::reverse(open[0].todo.begin(), open[0].todo.end());
  std::vector<Shape> out;
  while (!open.empty()) {
    Branch branch = std::move(open.back());
    open.pop_back();
    while (!branch.todo.empty() && branch.shape.types != 0) {
      const json* node = branch.todo.back();
      branch.todo.pop_back();
      if (std::find(branch.done.begin(), branch.done.end(), node) != branch.done.end()) continue;
      branch.done.push_back(node);
      std::vector<Branch> more;
      if (Status status = apply(*node, branch, more); !status) return status.error();
      if (open.size() + more.size() + out.size() > kMaxBranches)
        return error(node, "too many alternatives");
      open.insert(open.end(), more.rbegin(), more.rend());
    }
    if (branch.shape.types == 0) continue;
    // Values that are compared with schemas whose values are compared with schemas …
    if (depth_ > kMaxSchemaDepth) return error(nullptr, "fixed values nested in each other");
    ++depth_;
    const Result<bool> possible = finish(branch.shape);
    --depth_;
    if (!possible) return possible.error();
    if (*possible) out.push_back(std::move(branch.shape));
  }
  return &shapes_.emplace(schemas, std::move(out)).first->second;
}

Result<const std::vector<Shape>*> SchemaReader::checked_shapes(const Schemas& schemas) {
  const Result<const std::vector<Shape>*> all = shapes(schemas);
  if (!all) return all;
  for (size_t i = 0; i < (*all)->size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      const Shape& a = (**all)[i];
      const Shape& b = (**all)[k];
      for (const auto& [node, index] : a.choices) {
        for (const auto& [other_node, other] : b.choices) {
          if (node != other_node || index == other) continue;
          const Result<bool> apart = disjoint(a, b, 0);
          if (!apart) return apart.error();
          if (!*apart) return error(node, "oneOf: alternatives that may fit together");
        }
      }
    }
  }
  return all;
}

std::vector<string> SchemaReader::names(const Shape& shape) {
  std::vector<string> out;
  std::set<string> seen;
  for (const json* node : shape.nodes)
    if (const json* properties = find(*node, "properties"))
      for (const auto& item : properties->items())
        if (seen.insert(item.key()).second) out.push_back(item.key());
  for (const std::set<string>* names : {&shape.required, &shape.forbidden})
    for (const string& name : *names)
      if (seen.insert(name).second) out.push_back(name);
  return out;
}

std::vector<string> SchemaReader::patterns(const Shape& shape) {
  std::vector<string> out;
  for (const json* node : shape.nodes)
    if (const json* all = find(*node, "patternProperties"))
      for (const auto& item : all->items())
        if (!among(out, item.key())) out.push_back(item.key());
  return out;
}

Result<Schemas> SchemaReader::member(const Shape& shape, const string& name) {
  Schemas out;
  static const json kNever = false;
  if (shape.forbidden.count(name) > 0) return Schemas{&kNever};
  if (!shape.key_schemas.empty()) {
    const Result<bool> fit = fits(json(name), shape.key_schemas);
    if (!fit) return fit.error();
    if (!*fit) return Schemas{&kNever};
  }
  for (const json* node : shape.nodes) {
    bool known = false;
    if (const json* properties = find(*node, "properties")) {
      if (const auto at = properties->find(name); at != properties->end()) {
        add_once(out, &*at);
        known = true;
      }
    }
    if (const json* all = find(*node, "patternProperties")) {
      for (const auto& item : all->items()) {
        const Result<bool> fit = pattern_fits(item.key(), name);
        if (!fit) return fit.error();
        if (*fit) add_once(out, &item.value());
        known = known || *fit;
      }
    }
    if (const json* others = find(*node, "additionalProperties"); others != nullptr && !known)
      add_once(out, others);
  }
  return out;
}

Schemas SchemaReader::other_member(const Shape& shape, const std::set<string>& matched) const {
  Schemas out;
  for (const json* node : shape.nodes) {
    bool known = false;
    if (const json* all = find(*node, "patternProperties")) {
      for (const auto& item : all->items()) {
        if (matched.count(item.key()) == 0) continue;
        add_once(out, &item.value());
        known = true;
      }
    }
    if (const json* others = find(*node, "additionalProperties"); others != nullptr && !known)
      add_once(out, others);
  }
  return out;
}

size_t SchemaReader::prefix_length(const Shape& shape) const {
  size_t length = 0;
  for (const json* node : shape.nodes) {
    if (const json* prefix = find(*node, "prefixItems")) length = std::max(length, prefix->size());
    if (const json* items = find(*node, "items"); items != nullptr && items->is_array())
      length = std::max(length, items->size());
  }
  return length;
}

Schemas SchemaReader::item(const Shape& shape, size_t i) const {
  Schemas out;
  for (const json* node : shape.nodes) {
    const json* items = find(*node, "items");
    const bool is_tuple = items != nullptr && items->is_array();
    const json* prefix = is_tuple ? items : find(*node, "prefixItems");
    const json* rest = is_tuple ? find(*node, "additionalItems") : items;
    if (prefix != nullptr && i < prefix->size())
      add_once(out, &(*prefix)[i]);
    else if (rest != nullptr)
      add_once(out, rest);
  }
  return out;
}

Result<bool> SchemaReader::fits(const json& value, const Shape& shape) {
  if ((shape.types & type_of(value)) == 0) return false;
  if (shape.values && !shape.value_keys.contains(key_of(value))) return false;
  if (value.is_number()) {
    return satisfies(value, shape.number) &&
           std::all_of(shape.multiples.begin(), shape.multiples.end(),
                       [&](const string& step) { return is_multiple(value, step); });
  }
  if (value.is_string()) {
    const string& text = value.get_ref<const string&>();
    const auto length = static_cast<int64_t>(code_points(text).size());
    if (length < shape.least_length || (shape.most_length >= 0 && length > shape.most_length))
      return false;
    for (const string& pattern : shape.patterns) {
      const Result<bool> fit = pattern_fits(pattern, text);
      if (!fit || !*fit) return fit;
    }
    if (!shape.formats.empty())
      return error(nullptr,
                   "format " + shape.formats[0].substr(0, 40) + ": not beside fixed values");
    return true;
  }
  const auto count = static_cast<int64_t>(value.size());
  if (value.is_array()) {
    if (count < shape.least_items || (shape.most_items >= 0 && count > shape.most_items))
      return false;
    for (size_t i = 0; i < value.size(); ++i) {
      const Result<bool> fit = fits(value[i], item(shape, i));
      if (!fit || !*fit) return fit;
    }
    return true;
  }
  if (!value.is_object()) return true;
  if (count < shape.least_members || (shape.most_members >= 0 && count > shape.most_members))
    return false;
  for (const string& name : shape.required)
    if (!value.contains(name)) return false;
  for (const auto& entry : value.items()) {
    const Result<Schemas> wanted = member(shape, entry.key());
    if (!wanted) return wanted.error();
    const Result<bool> fit = fits(entry.value(), *wanted);
    if (!fit || !*fit) return fit;
  }
  return true;
}

Result<bool> SchemaReader::fits(const json& value, const Schemas& schemas) {
  if (++steps_ > kMaxSteps) return error(nullptr, "too many combinations of its parts");
  const Result<const std::vector<Shape>*> all = shapes(schemas);
  if (!all) return all.error();
  const Shape* first = nullptr;
  for (const Shape& shape : **all) {
    const Result<bool> fit = fits(value, shape);
    if (!fit) return fit;
    if (!*fit) continue;
    if (first != nullptr)
      for (const auto& [node, index] : shape.choices)
        for (const auto& [other_node, other] : first->choices)
          if (node == other_node && index != other) return false;
    if (first == nullptr) first = &shape;
  }
  return first != nullptr;
}

Result<bool> SchemaReader::disjoint(const Schemas& a, const Schemas& b, int depth) {
  const Result<const std::vector<Shape>*> first = shapes(a);
  if (!first) return first.error();
  const Result<const std::vector<Shape>*> second = shapes(b);
  if (!second) return second.error();
  for (const Shape& one : **first) {
    for (const Shape& other : **second) {
      const Result<bool> apart = disjoint(one, other, depth);
      if (!apart || !*apart) return apart;
    }
  }
  return true;
}

// Whether it is certain that no value fits both.
Result<bool> SchemaReader::disjoint(const Shape& a, const Shape& b, int depth) {
  if (++steps_ > kMaxSteps) return error(nullptr, "too many combinations of its parts");
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    if (!one->values) continue;
    for (const json& value : *one->values) {
      const Result<bool> fit = fits(value, *other);
      if (!fit) return fit;
      if (*fit) return false;
    }
    return true;
  }
  const uint8_t both = a.types & b.types;
  if ((both & (kNull | kBoolean)) != 0) return false;
  const auto over = [](int64_t least, int64_t most) { return most >= 0 && least > most; };
  if ((both & kNumber) != 0) {
    const auto apart = [](const NumberRange& low, const NumberRange& high) {
      if (!low.most || !high.least) return false;
      const int order = compare(number_of(low.most->value), number_of(high.least->value));
      return order < 0 || (order == 0 && (low.most->exclusive || high.least->exclusive));
    };
    if (!apart(a.number, b.number) && !apart(b.number, a.number)) return false;
  }
  if ((both & kString) != 0 && !over(a.least_length, b.most_length) &&
      !over(b.least_length, a.most_length))
    return false;
  if ((both & kArray) != 0 && !over(a.least_items, b.most_items) &&
      !over(b.least_items, a.most_items)) {
    bool found = false;
    const auto shared =
        static_cast<size_t>(std::min<int64_t>(std::max(a.least_items, b.least_items), 8));
    for (size_t i = 0; i < shared && !found && depth < kMaxCompared; ++i) {
      const Result<bool> apart = disjoint(item(a, i), item(b, i), depth + 1);
      if (!apart) return apart;
      found = *apart;
    }
    if (!found) return false;
  }
  if ((both & kObject) != 0 && !over(a.least_members, b.most_members) &&
      !over(b.least_members, a.most_members)) {
    bool found = false;
    std::set<string> names = a.required;
    names.insert(b.required.begin(), b.required.end());
    for (const string& name : names) {
      if (found || depth >= kMaxCompared) break;
      const Result<Schemas> one = member(a, name);
      if (!one) return one.error();
      const Result<Schemas> other = member(b, name);
      if (!other) return other.error();
      const Result<bool> apart = disjoint(*one, *other, depth + 1);
      if (!apart) return apart;
      found = *apart;
    }
    if (!found) return false;
  }
  return true;
}

}  // namespace model
