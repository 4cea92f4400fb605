#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/grammar/number_range.h"

namespace model {

/// Schemas that hold together, as places in one document, each once. None: anything fits.
using Schemas = std::vector<const nlohmann::ordered_json*>;

/// Types of values, as bits.
enum JsonType : uint8_t {
  kNull = 1,
  kBoolean = 2,
  kNumber = 4,
  kString = 8,
  kArray = 16,
  kObject = 32,
  kAnyType = 63,
};

/// What holds for values of each type that stands in `types`; without anyOf, oneOf, allOf and $ref,
/// which a SchemaReader has worked out.
struct Shape {
  uint8_t types = kAnyType;
  std::optional<std::vector<nlohmann::ordered_json>> values = {};  ///< only these; each fits
  std::set<std::string> value_keys = {};                           ///< of them, to find one
  NumberRange number = {};
  std::vector<std::string> multiples = {};     ///< each as JSON writes it
  int64_t least_length = 0, most_length = -1;  ///< of a string, in characters; -1: no end
  std::vector<std::string> patterns = {}, formats = {};
  int64_t least_items = 0, most_items = -1;
  int64_t least_members = 0, most_members = -1;
  std::set<std::string> required = {}, forbidden = {};
  Schemas key_schemas = {};  ///< propertyNames
  Schemas nodes = {};        ///< whose properties and items hold
  /// oneOf at that place, which alternative was taken.
  std::vector<std::pair<const nlohmann::ordered_json*, int>> choices = {};

  bool has(JsonType type) const { return (types & type) != 0; }
};

/// Reads JSON Schema (draft 2020-12, and what older drafts and OpenAPI write differently: items as
/// a list, dependencies, nullable, type names in capitals). Each keyword is worked out or refused;
/// annotations, also `x-…`, say nothing about values.
class SchemaReader {
 public:
  /// The document outlives the reader.
  explicit SchemaReader(const nlohmann::ordered_json& document) : root_(document) {}

  /// Checks what concerns the whole document. Errors: usage (nested too deeply).
  base::Status check();

  /// The shapes of which a value must fit one, none if nothing fits. Valid as long as the reader.
  /// Errors: usage (a keyword that can't be enforced, or isn't used rightly: says which and where).
  base::Result<const std::vector<Shape>*> shapes(const Schemas& schemas);

  /// As shapes(), where exactly one alternative of each oneOf must fit. Errors: also usage (oneOf
  /// whose alternatives may fit together).
  base::Result<const std::vector<Shape>*> checked_shapes(const Schemas& schemas);

  /// Whether a value fits. Errors: usage.
  base::Result<bool> fits(const nlohmann::ordered_json& value, const Schemas& schemas);
  base::Result<bool> fits(const nlohmann::ordered_json& value, const Shape& shape);

  /// What the value of a member must fit.
  base::Result<Schemas> member(const Shape& shape, const std::string& name);
  /// The same of a member whose name is not one of names() and fits of all patterns() just these.
  Schemas other_member(const Shape& shape, const std::set<std::string>& matched) const;
  /// What item `i` must fit; from prefix_length() on they are all the same.
  Schemas item(const Shape& shape, size_t i) const;
  size_t prefix_length(const Shape& shape) const;

  /// Member names that the schema mentions: of `properties` in the order of the document, then
  /// required ones.
  static std::vector<std::string> names(const Shape& shape);
  /// Of patternProperties.
  static std::vector<std::string> patterns(const Shape& shape);

  /// A sentence about a place in the document: "schema: /properties/a: WHAT".
  base::Error error(const nlohmann::ordered_json* at, const std::string& what) const;

 private:
  struct Branch;
  base::Status walk(const nlohmann::ordered_json& value, int depth);
  base::Status apply(const nlohmann::ordered_json& node, Branch& branch, std::vector<Branch>& more);
  base::Status apply_types(const nlohmann::ordered_json& node, Shape& shape) const;
  base::Status apply_numbers(const nlohmann::ordered_json& node, Shape& shape) const;
  base::Status apply_counts(const nlohmann::ordered_json& node, Shape& shape) const;
  base::Status apply_objects(const nlohmann::ordered_json& node, Branch& branch,
                             std::vector<Branch>& more) const;
  base::Status apply_not(const nlohmann::ordered_json& node, Shape& shape) const;
  base::Result<const nlohmann::ordered_json*> resolve(const nlohmann::ordered_json& node) const;
  base::Result<bool> finish(Shape& shape);
  base::Result<bool> pattern_fits(const std::string& pattern, const std::string& text) const;
  base::Result<bool> disjoint(const Shape& a, const Shape& b, int depth);
  base::Result<bool> disjoint(const Schemas& a, const Schemas& b, int depth);

  const nlohmann::ordered_json& root_;
  std::map<std::string, const nlohmann::ordered_json*> anchors_;
  const nlohmann::ordered_json* nested_id_ = nullptr;
  std::map<Schemas, std::vector<Shape>> shapes_;
  int64_t steps_ = 0;
  int depth_ = 0;
};

}  // namespace model
