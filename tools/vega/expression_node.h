#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include "base/json.h"

#include "base/result.h"
#include "tools/vega/expression.h"

/// The tree of an expression and what its parts share; only expression*.cpp include this.
namespace tools::vega {

/// Longest text or array that an expression may make.
inline constexpr size_t kMaxValue = 1'000'000;

/// JavaScript's undefined inside of an evaluation: nlohmann's "discarded" kind, which no file
/// holds.
inline Row undefined() { return Row(Row::value_t::discarded); }
inline bool is_undefined(const Row& value) { return value.is_discarded(); }
inline bool is_nullish(const Row& value) { return value.is_null() || value.is_discarded(); }

/// One evaluation. The first failure is kept; after it values mean nothing.
struct Evaluation {
  const Scope& scope;
  bool failed = false;
  base::Error error = {};

  Row fail(base::Errc code, std::string message) {
    if (!failed) error = {code, std::move(message)};
    failed = true;
    return undefined();
  }
};

using Arguments = std::vector<Row>;
/// A function of the language. Arguments that a call leaves out are not there.
struct Function {
  std::string_view name;
  int min_arguments, max_arguments;
  Row (*call)(Evaluation& evaluation, Arguments& arguments);
};
/// nullptr where there is none of this name.
const Function* find_function(std::string_view name);
/// A regular expression as a value, and whether a value is one.
Row make_regexp(std::string pattern, std::string flags);
bool is_regexp(const Row& value);

enum class NodeKind {
  literal,
  datum,
  parent,
  name,        // a parameter
  member,      // children: object; key in `text`
  index,       // children: object, key
  call,        // children: arguments
  extra_call,  // a function of Scope::functions, named in `text`
  unary,       // `text` is the operator
  binary,      // `op` is the operator
  logical_and,
  logical_or,
  conditional,
  array,
  object,  // `keys` and children
};

enum class BinaryOp {
  add,
  subtract,
  multiply,
  divide,
  modulo,
  less,
  greater,
  less_equal,
  greater_equal,
  equal,
  not_equal,
  same,
  not_same,
  bit_and,
  bit_or,
  bit_xor,
  shift_left,
  shift_right,
  shift_right_unsigned,
  in,
};

struct Expression::Node {
  NodeKind kind = NodeKind::literal;
  Row value;
  std::string text;
  BinaryOp op = BinaryOp::add;
  const Function* function = nullptr;
  std::vector<std::string> keys;
  std::vector<std::unique_ptr<Node>> children;
};

}  // namespace tools::vega
