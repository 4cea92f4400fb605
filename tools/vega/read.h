#pragma once

#include <string>
#include <string_view>
#include "base/json.h"

#include "base/result.h"

namespace tools::vega {

using json = nlohmann::json;

/// The member `key` of `object`, or null where there is none or `object` is not an object.
const json& get(const json& object, std::string_view key);
/// Whether `object` is an object with a member `key` (which may be null).
bool has(const json& object, std::string_view key);
/// The member as text; `fallback` where it is not a string.
std::string text(const json& object, std::string_view key, std::string_view fallback = "");
/// The member as a finite number; `fallback` where it is none.
double number(const json& object, std::string_view key, double fallback);
/// The member as a truth value; `fallback` where it is none.
bool truth(const json& object, std::string_view key, bool fallback);

/// The first failure of a compilation. Steps go on with a neutral value after one, the caller asks
/// at the end of each phase; so a hostile specification costs no unwinding.
class Failure {
 public:
  /// Keeps the first error only.
  void fail(base::Errc code, std::string message) {
    if (!failed_) error_ = {code, std::move(message)};
    failed_ = true;
  }
  bool failed() const { return failed_; }
  const base::Error& error() const { return error_; }

 private:
  bool failed_ = false;
  base::Error error_;
};

}  // namespace tools::vega
