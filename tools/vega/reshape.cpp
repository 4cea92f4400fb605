// Transforms that make other rows of the same values: fold, flatten, pivot, lookup, sample.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "tools/vega/groups.h"
#include "tools/vega/transform_spec.h"

namespace tools::vega {

using base::Errc;
using base::Error;

base::Result<Rows> fold_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<std::vector<std::string>> names = spec.texts("fold");
  if (!names) return names.error();
  base::Result<std::vector<Field>> fields = parse_fields(*names);
  if (!fields) return fields.error();
  base::Result<std::array<std::string, 2>> as = spec.names("key", "value");
  if (!as) return as.error();
  if (rows.size() * fields->size() > kMaxRows) {
    return Error{Errc::limit, "transform fold would make more than 5000000 rows"};
  }
  Rows out;
  out.reserve(rows.size() * fields->size());
  for (const Row& row : rows) {
    for (const Field& field : *fields) {
      Row& folded = out.emplace_back(row);
      folded[(*as)[0]] = field.name();
      folded[(*as)[1]] = field.of(row);
    }
  }
  return out;
}

base::Result<Rows> flatten_step(Rows rows, const TransformSpec& spec,
                                const TransformContext& context) {
  base::Result<std::vector<std::string>> names = spec.texts("flatten");
  if (!names) return names.error();
  base::Result<std::vector<Field>> fields = parse_fields(*names);
  if (!fields) return fields.error();
  base::Result<std::vector<std::string>> as = spec.texts("as");
  if (!as) return as.error();
  for (size_t i = as->size(); i < fields->size(); ++i) as->push_back((*fields)[i].name());
  std::string index = spec["index"].is_string() ? spec["index"].get<std::string>() : "";
  Rows out;
  for (const Row& row : rows) {
    size_t n = 0;
    for (const Field& field : *fields) {
      const Row& list = field.of(row);
      if (list.is_array()) n = std::max(n, list.size());
    }
    if (out.size() + n > kMaxRows) {
      return Error{Errc::limit, "transform flatten would make more than 5000000 rows"};
    }
    // The lists themselves are not copied into each row where their elements take their place.
    Row rest = row;
    for (size_t f = 0; f < fields->size(); ++f)
      if (rest.is_object() && (*fields)[f].parts().size() == 1) rest.erase((*fields)[f].name());
    size_t width = 1;
    for (const Row& value : rest) width += value.is_structured() ? value.size() : 1;
    if (context.budget != nullptr && !context.budget->spend(Budget::kRow * width * n))
      return Budget::error();
    for (size_t i = 0; i < n; ++i) {
      Row flat = rest;
      for (size_t f = 0; f < fields->size(); ++f) {
        const Row& list = (*fields)[f].of(row);
        flat[(*as)[f]] = list.is_array() && i < list.size() ? list[i] : Row();
      }
      if (!index.empty()) flat[index] = i;
      out.push_back(std::move(flat));
    }
  }
  return out;
}

base::Result<Rows> pivot_step(Rows rows, const TransformSpec& spec, const TransformContext&) {
  base::Result<std::string> key_name = spec.text("pivot"), value_name = spec.text("value");
  if (!key_name) return key_name.error();
  if (!value_name) return value_name.error();
  base::Result<Field> key = Field::parse(*key_name), value = Field::parse(*value_name);
  if (!key) return key.error();
  if (!value) return value.error();
  base::Result<std::vector<std::string>> groupby = spec.texts("groupby");
  if (!groupby) return groupby.error();
  base::Result<double> limit = spec.number("limit", 0);
  if (!limit) return limit.error();
  std::string op = spec["op"].is_string() ? spec["op"].get<std::string>() : "sum";
  if (!is_aggregate_op(op)) return spec.error("\"" + op.substr(0, 60) + "\" is not an operation");
  std::vector<Row> keys;
  std::unordered_map<std::string, size_t> index;
  for (const Row& row : rows) {
    const Row& at = key->of(row);
    if (index.emplace(to_text(at), keys.size()).second) keys.push_back(at);
  }
  std::stable_sort(keys.begin(), keys.end(),
                   [](const Row& a, const Row& b) { return compare(a, b) < 0; });
  if (*limit >= 1 && static_cast<double>(keys.size()) > *limit) {
    keys.resize(static_cast<size_t>(*limit));
  }
  base::Result<Groups> groups = group_rows(rows, *groupby);
  if (!groups) return groups.error();
  if (static_cast<double>(groups->members.size()) * static_cast<double>(keys.size()) > 1e7) {
    return Error{Errc::limit, "transform pivot would make more than 10000000 values"};
  }
  index.clear();
  for (size_t k = 0; k < keys.size(); ++k) index.emplace(to_text(keys[k]), k);
  Rows out;
  for (size_t g = 0; g < groups->members.size(); ++g) {
    std::vector<Rows> parts(keys.size());
    for (uint32_t i : groups->members[g]) {
      auto at = index.find(to_text(key->of(rows[i])));
      if (at == index.end()) continue;
      parts[at->second].push_back({{"v", value->of(rows[i])}});
    }
    Row row = Row::object();
    for (size_t d = 0; d < groups->names.size(); ++d) row[groups->names[d]] = groups->values[g][d];
    for (size_t k = 0; k < keys.size(); ++k) {
      base::Result<Rows> result = aggregate(parts[k], {}, {{op, "v", "v"}});
      if (!result) return result.error();
      auto value_at = (*result)[0].find("v");
      if (value_at != (*result)[0].end()) row[to_text(keys[k])] = *value_at;
    }
    out.push_back(std::move(row));
  }
  return out;
}

base::Result<Rows> lookup_step(Rows rows, const TransformSpec& spec,
                               const TransformContext& context) {
  base::Result<std::string> name = spec.text("lookup");
  if (!name) return name.error();
  base::Result<Field> field = Field::parse(*name);
  if (!field) return field.error();
  if (!spec["from"].is_object()) return spec.error("from must be an object");
  TransformSpec from(spec["from"], "lookup");
  if (!from.has("data")) {
    return Error{Errc::unsupported,
                 "transform lookup: from needs data; parameters cannot be looked up in"};
  }
  if (!context.load) return Error{Errc::unsupported, "transform lookup: no data can be read here"};
  base::Result<Rows> other = context.load(from["data"]);
  if (!other) return other.error();
  base::Result<std::string> key_name = from.text("key");
  if (!key_name) return key_name.error();
  base::Result<Field> key = Field::parse(*key_name);
  if (!key) return key.error();
  std::unordered_map<std::string, size_t> index;
  // The last row of a key counts, as in Vega.
  for (size_t i = 0; i < other->size(); ++i) index[to_text(key->of((*other)[i]))] = i;
  base::Result<std::vector<std::string>> values = from.texts("fields"), as = spec.texts("as");
  if (!values) return values.error();
  if (!as) return as.error();
  base::Result<std::vector<Field>> fields = parse_fields(*values);
  if (!fields) return fields.error();
  if (fields->empty() && as->empty()) as->push_back("_lookup");
  for (size_t i = as->size(); i < fields->size(); ++i) as->push_back((*fields)[i].name());
  if (context.budget != nullptr &&
      !context.budget->spend(Budget::kRow * rows.size() * std::max<size_t>(1, fields->size())))
    return Budget::error();
  for (Row& row : rows) {
    if (!row.is_object()) continue;
    auto at = index.find(to_text(field->of(row)));
    if (fields->empty()) {
      row[(*as)[0]] = at == index.end() ? spec["default"] : (*other)[at->second];
      continue;
    }
    for (size_t f = 0; f < fields->size(); ++f) {
      row[(*as)[f]] = at == index.end() ? spec["default"] : (*fields)[f].of((*other)[at->second]);
    }
  }
  return rows;
}

base::Result<Rows> sample_step(Rows rows, const TransformSpec& spec,
                               const TransformContext& context) {
  base::Result<double> size = spec.number("sample", 1000);
  if (!size) return size.error();
  if (*size >= static_cast<double>(rows.size())) return rows;
  Random own(0);
  Random& random = context.random != nullptr ? *context.random : own;
  // Reservoir sampling: row i takes a place with probability size / (i + 1).
  size_t keep = static_cast<size_t>(std::max(0.0, *size));
  for (size_t i = keep; i < rows.size() && keep > 0; ++i) {
    size_t at = static_cast<size_t>(random.next() * static_cast<double>(i + 1));
    if (at < keep) std::swap(rows[at], rows[i]);
  }
  rows.resize(keep);
  return rows;
}

}  // namespace tools::vega
