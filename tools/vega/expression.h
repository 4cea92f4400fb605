#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/vega/budget.h"
#include "tools/vega/datum.h"

namespace tools::vega {

/// A seeded stream of numbers in [0, 1): the same on every machine.
class Random {
 public:
  explicit Random(uint64_t seed = 0) : state_(seed) {}
  double next();

 private:
  uint64_t state_;
};

/// What an expression may see.
struct Scope {
  const Row* datum = nullptr;
  const Row* parent = nullptr;
  /// Object: signals and parameters by name (width, height, …). May be nullptr.
  const Row* names = nullptr;
  Random* random = nullptr;  ///< nullptr: random() is an error
  /// Functions of the caller, such as scale('x', value) and bandwidth('x'): nullopt where it has
  /// no function of that name.
  const std::function<std::optional<base::Result<Row>>(
      std::string_view name, const std::vector<Row>& arguments)>* functions = nullptr;
  /// Pays for every part of the expression; limit where it is spent. nullptr: for free.
  Budget* budget = nullptr;
};

/// A Vega expression, parsed once and evaluated per row; may be shared between threads.
class Expression {
 public:
  /// extra_functions: names that Scope::functions will know.
  /// Errors: usage (a syntax error with its column; an unknown function, by name; assignment),
  /// limit (longer than 20,000 bytes or nested deeper than 100).
  static base::Result<Expression> parse(std::string_view text,
                                        const std::vector<std::string>& extra_functions = {});

  /// The value; `undefined` is null. Errors: usage (a name that the scope lacks, a method on
  /// null), limit (text or arrays beyond 1,000,000 elements).
  base::Result<Row> evaluate(const Scope& scope) const;
  /// The value as JavaScript's if sees it.
  base::Result<bool> test(const Scope& scope) const;

  /// Names of fields read as datum.x or datum['x'], without repeats.
  const std::vector<std::string>& fields() const { return fields_; }
  /// Free names that are neither constants nor functions: parameters.
  const std::vector<std::string>& names() const { return names_; }

  struct Node;  // in expression_node.h

 private:
  std::shared_ptr<const Node> root_;  // shared: an expression is copied with the spec it is in
  std::vector<std::string> fields_, names_;
};

}  // namespace tools::vega
