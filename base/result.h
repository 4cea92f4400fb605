#pragma once

#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

/// base: values every layer needs and nothing of our domain.
namespace base {

/// What went wrong, to branch on. The exit codes of the program are derived from it (docs/cli.md).
enum class Errc {
  internal,     ///< a bug or an unexpected failure of the machine
  usage,        ///< the caller's request or input file is not acceptable
  not_found,    ///< a named file, tensor, model or column does not exist
  corrupt,      ///< bytes do not follow their format
  limit,        ///< a stated bound was reached
  refused,      ///< a policy or a person said no
  unsupported,  ///< well-formed, but not something this build can do
  cancelled,    ///< the caller asked to stop
  system,       ///< the operating system said no; the message holds errno's text
};

/// A code to branch on and one sentence to read, with the offending value in it.
struct [[nodiscard]] Error {
  Errc code = Errc::internal;
  std::string message;
};

/// Name of an error code, as it appears in logs and JSON.
std::string_view errc_name(Errc code);

/// A value or an Error: the part of C++23's std::expected that we use.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() { return *std::get_if<0>(&checked()); }
  const T& value() const { return *std::get_if<0>(&const_cast<Result*>(this)->checked()); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }
  const Error& error() const {
    assert(!has_value());
    return *std::get_if<1>(&state_);
  }

 private:
  std::variant<T, Error>& checked() {
    assert(has_value());
    return state_;
  }
  std::variant<T, Error> state_;
};

/// Success without a value.
struct Ok {};
using Status = Result<Ok>;

}  // namespace base
