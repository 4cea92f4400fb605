#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/vega/channel.h"
#include "tools/vega/expression.h"
#include "tools/vega/scale.h"
#include "tools/vega/transform.h"

namespace tools::vega {

struct View;

/// A test of a conditional encoding with what holds where it passes.
struct Condition {
  Predicate test;
  ChannelDef then;
};

/// A channel of a unit: its definition, conditions before it, and the further ones of lists
/// (detail, order, tooltip).
struct Channel {
  ChannelDef main;
  std::vector<Condition> conditions;
  std::vector<ChannelDef> list;

  /// The definition that the channel's scale is for; nullptr for none.
  const ChannelDef* scaled() const;
};

struct Stack {
  std::string channel;    ///< x, y, theta or radius; empty for no stack
  std::string dimension;  ///< the channel across
  StackOptions options;
  std::vector<std::string> by;        ///< fields that tell the stacked pieces apart
  std::map<std::string, json> ranks;  ///< by field: its values in the order of stacking
};

/// The rows of a view in one facet cell. A view outside of facets has one cell.
struct Cell {
  int parent = 0;                      ///< index of the parent view's cell
  std::shared_ptr<const Rows> source;  ///< before the unit's own encoding transforms
  std::shared_ptr<const Rows> rows;    ///< as the marks see them
  int row = 0, column = 0;             ///< place in the facet's grid
  Row facet = Row::object();           ///< the facet's values, by column name
  double width = 0, height = 0;
};

/// One scale of one cell of its owner.
struct ScaleInstance {
  Scale scale;
  ScaleOptions options;
  std::optional<Bins> bins;
  bool ok = false;
};

/// A scale with everybody who draws by it.
struct ScaleEntry {
  std::string channel, name;
  View* owner = nullptr;
  ScaleType type = ScaleType::linear;
  std::vector<std::pair<View*, const ChannelDef*>> users;
  json properties = json::object();  ///< the "scale" objects of the users, first come first served
  bool fixed_type = false;
  std::vector<ScaleInstance> instances;  ///< one per cell of the owner
};

enum class ViewKind { unit, layer, facet, concat };

struct View {
  ViewKind kind = ViewKind::unit;
  View* parent = nullptr;
  const json* spec = nullptr;
  std::string name;
  std::vector<std::unique_ptr<View>> children;
  std::vector<Cell> cells;

  // Of units.
  std::string mark;  ///< as written: "bar", "point"…
  json mark_def;
  std::string orient;  ///< vertical, horizontal or empty
  std::map<std::string, Channel> encoding;
  Stack stack;
  bool aggregated = false;
  std::map<std::string, Bins> bins;  ///< by column name

  // Of facets: row, column or facet.
  std::map<std::string, ChannelDef> facets;
  /// The values of each facet in order, per cell of this view.
  std::vector<std::map<std::string, std::vector<Row>>> facet_values;

  // What is resolved here, by channel.
  std::map<std::string, std::unique_ptr<ScaleEntry>> own_scales;

  const ChannelDef* def(const std::string& channel) const;
  bool is_path() const { return mark == "line" || mark == "area" || mark == "trail"; }
  /// A rectangle between two ends: bar, rect, image, tick.
  bool is_rect() const {
    return mark == "bar" || mark == "rect" || mark == "image" || mark == "tick";
  }
};

/// What all steps share.
struct Model {
  const json* spec = nullptr;  ///< normalized
  json config;
  json names = json::object();       ///< parameters for expressions
  json parameters = json::object();  ///< "selection" or "variable" by name
  std::unique_ptr<View> root;
  TransformContext transforms;
  std::function<base::Result<Rows>(const Row&)> load;
  Random random{42};
  Budget budget;
  Failure failure;
};

/// The view tree of a normalized specification: channels with their types, orientation, stacking.
std::unique_ptr<View> build_views(const json& spec, View* parent, Model& model);

/// Fills the cells of a view and of all below it with rows.
void run_data(View& view, Model& model);

/// Finds the scales of the tree, their types and domains. Ranges come later.
void build_scales(Model& model);
/// The sizes of all views.
void size_views(Model& model);
/// The ranges, after the sizes are known.
void finish_scales(Model& model);

/// The scale of `channel` as this cell of this view sees it; nullptr for none.
const ScaleEntry* find_scale_entry(const View& view, const std::string& channel);
const ScaleInstance* find_scale(const View& view, int cell, const std::string& channel);
/// The cell of `ancestor` around a cell of `view`.
int cell_in(const View& view, int cell, const View& ancestor);

/// Calls `visit` for every unit below (and including) `view`.
void each_unit(View& view, const std::function<void(View&)>& visit);

/// Where within the band [0, 1] of a bin or time unit a mark stands; nullopt where it does not
/// look at the end of the band.
std::optional<double> band_position(const View& view, const ChannelDef& def, const json& config);

/// A test of a condition or filter, with parameters taken at their initial values.
std::optional<Predicate> make_predicate(const json& test, Model& model);
/// Replaces {"param": …} in a filter by true or false.
json resolve_params(const json& predicate, const Model& model, int depth = 0);
/// A property that may be {"expr": …}; `datum` may be null.
json resolve_expression(const json& value, Model& model, const Row* datum = nullptr);

}  // namespace tools::vega
