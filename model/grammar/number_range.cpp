// A number of a range is compared with a bound digit by digit, as a regular expression: more digits
// before the point are larger; with as many, the first digit that differs decides; then the same
// after the point. "At least a" and "at most b" are two expressions, and a range is what both
// match. Negative numbers are the same with the bounds' signs and places exchanged.
#include "model/grammar/number_range.h"

#include <algorithm>
#include <cstdlib>

namespace model {

namespace {

using base::Errc;
using base::Error;

constexpr int kWhole = 20, kFraction = 22;

// A number without its sign: digits before the point without leading zeros ("0" alone stays), and
// after it without trailing ones.
struct Decimal {
  bool negative = false;
  std::string whole = "0", fraction = {};

  bool is_zero() const { return whole == "0" && fraction.empty(); }
};

base::Result<Decimal> decimal(const std::string& text) {
  Decimal out;
  size_t at = 0;
  if (at < text.size() && text[at] == '-') {
    out.negative = true;
    ++at;
  }
  std::string digits;
  int point = -1;
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] == '.')
      point = static_cast<int>(digits.size());
    else
      digits += text[at];
  }
  if (point < 0) point = static_cast<int>(digits.size());
  if (at < text.size()) point += std::clamp(std::atoi(text.c_str() + at + 1), -1000, 1000);
  if (point > 0 && static_cast<size_t>(point) > digits.size())
    digits.append(static_cast<size_t>(point) - digits.size(), '0');
  if (point < 0) {
    digits.insert(0, static_cast<size_t>(-point), '0');
    point = 0;
  }
  out.whole = digits.substr(0, static_cast<size_t>(point));
  out.fraction = digits.substr(static_cast<size_t>(point));
  out.whole.erase(0, std::min(out.whole.find_first_not_of('0'), out.whole.size()));
  if (out.whole.empty()) out.whole = "0";
  while (out.fraction.ends_with('0')) out.fraction.pop_back();
  if (out.is_zero()) out.negative = false;
  if (out.whole.size() > kWhole || out.fraction.size() > kFraction)
    return Error{Errc::usage, text + ", a bound with more digits than a number may have here"};
  return out;
}

class Alternatives {
 public:
  void add(const std::string& one) { text_ += (text_.empty() ? "" : "|") + one; }
  /// Empty if there is none.
  std::string text() const { return text_.empty() ? "" : "(?:" + text_ + ")"; }

 private:
  std::string text_;
};

std::string digits(int least, int most) {
  if (most <= 0) return "";
  return "[0-9]{" + std::to_string(least) + "," + std::to_string(most) + "}";
}
std::string between(char first, char last) { return std::string("[") + first + "-" + last + "]"; }
std::string any_fraction(bool integer) {
  return integer ? "" : "(?:\\." + digits(1, kFraction) + ")?";
}

// Magnitudes of at least `c`, or above it.
std::string above(const Decimal& c, bool exclusive, bool integer) {
  const int n = static_cast<int>(c.whole.size()), m = static_cast<int>(c.fraction.size());
  const std::string fraction = any_fraction(integer);
  Alternatives out;
  if (n < kWhole) out.add("[1-9]" + digits(n, kWhole - 1) + fraction);
  for (int k = 0; k < n; ++k)
    if (c.whole[k] < '9')
      out.add(c.whole.substr(0, k) + between(static_cast<char>(c.whole[k] + 1), '9') +
              digits(n - k - 1, n - k - 1) + fraction);
  if (m == 0 && !exclusive) out.add(c.whole + fraction);
  if (m == 0 && exclusive && !integer)
    out.add(c.whole + "\\.0{0," + std::to_string(kFraction - 1) + "}[1-9]" +
            digits(0, kFraction - 1));
  if (m > 0 && !integer) {
    for (int k = 0; k < m; ++k)
      if (c.fraction[k] < '9')
        out.add(c.whole + "\\." + c.fraction.substr(0, k) +
                between(static_cast<char>(c.fraction[k] + 1), '9') + digits(0, kFraction - 1 - k));
    out.add(c.whole + "\\." + c.fraction +
            (exclusive ? "0*[1-9]" + digits(0, kFraction) : digits(0, kFraction - m)));
  }
  return out.text();
}

// Magnitudes of at most `c`, or below it.
std::string below(const Decimal& c, bool exclusive, bool integer) {
  const int n = static_cast<int>(c.whole.size()), m = static_cast<int>(c.fraction.size());
  const std::string fraction = any_fraction(integer);
  Alternatives out;
  if (n > 1) out.add("(?:0|[1-9]" + digits(0, n - 2) + ")" + fraction);
  for (int k = 0; k < n; ++k) {
    const char least = k == 0 && n > 1 ? '1' : '0';
    if (c.whole[k] > least)
      out.add(c.whole.substr(0, k) + between(least, static_cast<char>(c.whole[k] - 1)) +
              digits(n - k - 1, n - k - 1) + fraction);
  }
  if (m == 0) {
    if (!exclusive) out.add(c.whole + (integer ? "" : "(?:\\.0{1,22})?"));
    return out.text();
  }
  out.add(c.whole);
  if (integer) return out.text();
  for (int k = 0; k < m; ++k) {
    if (k > 0) out.add(c.whole + "\\." + c.fraction.substr(0, k));
    if (c.fraction[k] > '0')
      out.add(c.whole + "\\." + c.fraction.substr(0, k) +
              between('0', static_cast<char>(c.fraction[k] - 1)) + digits(0, kFraction - 1 - k));
  }
  if (!exclusive)
    out.add(c.whole + "\\." + c.fraction + "0{0," + std::to_string(kFraction - m) + "}");
  return out.text();
}

struct Bound {
  Decimal value;
  bool exclusive = false;
};

// Magnitudes between two bounds that aren't negative. Empty if there are none.
std::string between_magnitudes(const Bound& least, const std::optional<Bound>& most, bool integer) {
  const std::string from = above(least.value, least.exclusive, integer);
  if (from.empty()) return "";
  if (!most) return "/" + from + "/";
  const std::string to = below(most->value, most->exclusive, integer);
  return to.empty() ? "" : "(/" + from + "/ & /" + to + "/)";
}

// Whether a bound on one side leaves nothing of what the other allows.
bool is_empty(const Bound& least, const Bound& most, bool integer) {
  const auto compare = [](const Decimal& a, const Decimal& b) {
    if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
    const int whole = a.whole.compare(b.whole);
    return whole != 0 ? whole : a.fraction.compare(b.fraction);
  };
  const int order = compare(least.value, most.value);
  if (order > 0) return true;
  if (order == 0)
    return least.exclusive || most.exclusive || (integer && !least.value.fraction.empty());
  if (!integer || least.value.whole.size() > 15 || most.value.whole.size() > 15) return false;
  // The next whole number from each side.
  const long long low = std::atoll(least.value.whole.c_str()) +
                        (least.exclusive || !least.value.fraction.empty() ? 1 : 0);
  const long long high = std::atoll(most.value.whole.c_str()) -
                         (most.exclusive && most.value.fraction.empty() ? 1 : 0);
  return low > high;
}

// What is too large for 20 digits is whole whatever its digits are.
constexpr const char* kInteger =
    R"((?:0|[1-9][0-9]{0,19}|[1-9](?:\.[0-9]{1,17})?[eE]\+?(?:[2-9][0-9]|[12][0-9]{2}|30[0-7])|1[eE]\+?308))";
// Not above the largest double.
constexpr const char* kUnsigned =
    R"((?:(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,22})?(?:[eE](?:[-+]?[0-9]{1,2}|-[12][0-9]{2}|-3[0-2][0-9]))?|[0-9](?:\.[0-9]{1,17})?[eE]\+?(?:[12][0-9]{2}|30[0-7])|1(?:\.[0-6][0-9]{0,16}|\.7976931348623157)?[eE]\+?308))";

}  // namespace

base::Result<std::string> number_terminal(const NumberRange& range) {
  const std::string plain = range.integer ? kInteger : kUnsigned;
  if (!range.least && !range.most) return "/-?" + plain + "/";
  std::optional<Bound> least, most;
  for (const auto& [from, to] : {std::pair(&range.least, &least), std::pair(&range.most, &most)}) {
    if (!*from) continue;
    base::Result<Decimal> value = decimal((*from)->value);
    if (!value) return value.error();
    *to = Bound{std::move(*value), (*from)->exclusive};
  }
  if (!most && least->value.is_zero() && !least->exclusive) return "/" + plain + "|-0/";
  if (!least && most->value.is_zero() && !most->exclusive) return "/-" + plain + "|0/";

  std::string out;
  const auto add = [&](const std::string& sign, const std::string& magnitudes) {
    if (!magnitudes.empty()) out += (out.empty() ? "" : " | ") + sign + magnitudes;
  };
  // Each half: zero, or the bound on this side of it, up to the bound further out.
  const auto half = [&](const std::string& sign, const std::optional<Bound>& near,
                        const std::optional<Bound>& far, bool negative) {
    const Bound zero;
    const auto on_this_side = [&](const Bound& bound) {
      return bound.value.is_zero() || bound.value.negative == negative;
    };
    if (far && !on_this_side(*far)) return;
    const Bound from = near && on_this_side(*near) ? *near : zero;
    if (far && is_empty(from, *far, range.integer)) return;
    add(sign, between_magnitudes(from, far, range.integer));
  };
  half("", least, most, false);
  half("\"-\" ", most, least, true);
  return out;
}

}  // namespace model
