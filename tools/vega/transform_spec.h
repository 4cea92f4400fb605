#pragma once

#include <string>
#include <vector>
#include "base/json.h"

#include "tools/vega/transform.h"

/// What the files of the transforms share; only they include this.
namespace tools::vega {

/// Reads properties of one transform; the first error is kept in `error`.
class TransformSpec {
 public:
  TransformSpec(const Row& spec, std::string name) : spec_(spec), name_(std::move(name)) {}

  const Row& operator[](const char* key) const {
    auto it = spec_.find(key);
    return it == spec_.end() ? null_row() : *it;
  }
  bool has(const char* key) const { return !(*this)[key].is_null(); }
  base::Error error(const std::string& message) const {
    return {base::Errc::usage, "transform " + name_ + ": " + message};
  }
  base::Result<std::string> text(const char* key) const;
  /// A list of texts, or one text; empty where the property is missing.
  base::Result<std::vector<std::string>> texts(const char* key) const;
  /// The two names of `as`, or the fallbacks.
  base::Result<std::array<std::string, 2>> names(const std::string& first,
                                                 const std::string& second) const;
  base::Result<double> number(const char* key, double fallback) const;
  bool flag(const char* key, bool fallback = false) const;
  /// Two numbers; nullopt where the property is missing.
  base::Result<std::optional<std::array<double, 2>>> range(const char* key) const;

 private:
  const Row& spec_;
  std::string name_;
};

using Step = base::Result<Rows> (*)(Rows rows, const TransformSpec& spec,
                                    const TransformContext& context);
base::Result<Rows> regression_step(Rows, const TransformSpec&, const TransformContext&);
base::Result<Rows> loess_step(Rows, const TransformSpec&, const TransformContext&);
base::Result<Rows> density_step(Rows, const TransformSpec&, const TransformContext&);
base::Result<Rows> quantile_step(Rows, const TransformSpec&, const TransformContext&);
base::Result<Rows> fold_step(Rows, const TransformSpec&, const TransformContext&);
base::Result<Rows> flatten_step(Rows, const TransformSpec&, const TransformContext&);
base::Result<Rows> pivot_step(Rows, const TransformSpec&, const TransformContext&);
base::Result<Rows> lookup_step(Rows, const TransformSpec&, const TransformContext&);
base::Result<Rows> sample_step(Rows, const TransformSpec&, const TransformContext&);

}  // namespace tools::vega
