#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "base/json.h"

#include "base/result.h"
#include "tools/vega/datum.h"
#include "tools/vega/expression.h"

namespace tools::vega {

/// The Vega-Lite transforms, as a list and as functions for encodings.
/// No transform makes more than this many rows (limit).
inline constexpr size_t kMaxRows = 5'000'000;

/// What transforms may use from outside.
struct TransformContext {
  /// Parameters for expressions, an object; the transform `extent` adds its own. May be nullptr.
  Row* names = nullptr;
  Budget* budget = nullptr;  ///< pays for rows and expressions; nullptr: for free
  Random* random = nullptr;  ///< for random() and sample; nullptr: seed 0 per call
  /// Reads a `data` object of a lookup. Empty: lookup is refused.
  std::function<base::Result<Rows>(const Row& data)> load = {};
};

/// Applies a Vega-Lite "transform" array in order.
/// Errors: usage (the transform and what is wrong), unsupported (a transform that is not there, by
/// name), limit.
base::Result<Rows> apply_transforms(Rows rows, const Row& transforms,
                                    const TransformContext& context);

/// A predicate of Vega-Lite: an expression, {field, equal|lt|lte|gt|gte|range|oneOf|valid,
/// timeUnit}, {and|or: []}, {not: p}.
using Predicate = std::function<base::Result<bool>(const Row&)>;
base::Result<Predicate> parse_predicate(const Row& spec, const TransformContext& context);

struct SortField {
  Field field;
  bool descending = false;
};
/// Reads [{field, order}], one such object, or one name; null is no sort.
base::Result<std::vector<SortField>> parse_sort(const Row& spec);
/// Order by the fields in turn, stable.
void sort_rows(Rows& rows, const std::vector<SortField>& sort);

/// One aggregated column: op of field, named `as`. For count the field may be empty.
struct AggregateColumn {
  std::string op;
  std::string field;
  std::string as;
};
/// Whether there is an aggregate operation of this name.
bool is_aggregate_op(std::string_view op);

/// One row per group, in order of first appearance. groupby: field paths; the group columns keep
/// the path's name(). Without groups there is one row, also where there is no input.
/// cross: also the combinations that have no rows.
/// Errors: usage (no such op).
base::Result<Rows> aggregate(const Rows& rows, const std::vector<std::string>& groupby,
                             const std::vector<AggregateColumn>& columns, bool cross = false);
/// Every row with the aggregates of its group.
base::Result<Rows> join_aggregate(Rows rows, const std::vector<std::string>& groupby,
                                  const std::vector<AggregateColumn>& columns);

/// Vega's bin parameters.
struct BinOptions {
  std::optional<double> max_bins, step, min_step, base, anchor, span;
  std::vector<double> steps, divide;
  bool nice = true;
  std::optional<std::array<double, 2>> extent;
};
/// Reads `true` or {maxbins, step, …}.
base::Result<BinOptions> parse_bin(const Row& spec);
/// Where bins start, stop and how wide they are.
struct Bins {
  double start = 0, stop = 0, step = 1;
};
/// min, max: extent of the data, unless the options have one. default_max_bins: 10 for x and y, 6
/// for others.
Bins choose_bins(double min, double max, const BinOptions& options, double default_max_bins = 10);
/// Start of the bin that holds `value`; NaN where value is no number, -inf or +inf beyond the bins.
double bin_start(double value, const Bins& bins);
/// Bins `field` into columns start_as and end_as (null for what is no number).
base::Status bin_rows(Rows& rows, const Field& field, const Bins& bins, const std::string& start_as,
                      const std::string& end_as);
/// The least and greatest number of a field; nullopt where there is none.
std::optional<std::array<double, 2>> extent(const Rows& rows, const Field& field);

struct TimeUnit;
/// Cuts the dates of `field` (numbers, or texts that are dates) into columns start_as and end_as.
void time_unit_rows(Rows& rows, const Field& field, const TimeUnit& unit,
                    const std::string& start_as, const std::string& end_as);

struct StackOptions {
  std::string field = {};  ///< empty: each row counts 1
  std::vector<std::string> groupby = {};
  std::vector<SortField> sort = {};
  enum class Offset { zero, normalize, center } offset = Offset::zero;
  std::string start_as = {}, end_as = {};
};
base::Status stack_rows(Rows& rows, const StackOptions& options);

struct ImputeOptions {
  std::string field;  ///< the value to fill in
  std::string key;    ///< each group gets a row for each key
  std::vector<std::string> groupby;
  std::vector<Row> keys;         ///< keys that must be there beside those in the data
  std::string method = "value";  ///< value, mean, median, max, min
  Row value = 0;                 ///< for method value
  /// Rows before and after that the other methods look at; nullopt is all of them.
  std::array<std::optional<double>, 2> frame = {std::nullopt, std::nullopt};
};
/// Reads {"impute": …, "key": …} or the `impute` of an encoding (which has neither).
base::Result<ImputeOptions> parse_impute(const Row& spec);
/// Appends a row for each missing pair of group and key; methods other than value fill null fields
/// of all rows.
base::Result<Rows> impute_rows(Rows rows, const ImputeOptions& options);

}  // namespace tools::vega
