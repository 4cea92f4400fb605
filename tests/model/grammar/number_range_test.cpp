#include "model/grammar/number_range.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/json.h"
#include "tests/model/grammar/byte_vocabulary.h"

namespace model {
namespace {

// What of `numbers` the range holds; all of them fit nothing if the range is empty.
std::vector<bool> held(const NumberRange& range, const std::vector<std::string>& numbers) {
  const base::Result<std::string> terminal = number_terminal(range);
  EXPECT_TRUE(terminal) << terminal.error().message;
  if (!terminal || terminal->empty()) return std::vector<bool>(numbers.size(), false);
  base::Result<Constraint> constraint =
      Constraint::compile(byte_vocabulary(), "start: N <[3]>\nN: " + *terminal + "\n");
  EXPECT_TRUE(constraint) << constraint.error().message << "\n" << *terminal;
  std::vector<bool> out;
  for (const std::string& number : numbers) {
    std::vector<int32_t> tokens = bytes_of(number);
    tokens.push_back(3);
    out.push_back(constraint &&
                  constraint->count_accepted(tokens) == static_cast<int>(tokens.size()));
  }
  return out;
}

// A number of few digits as an integer of ten thousandths: comparisons are exact.
long long scaled(const std::string& text) {
  const size_t point = text.find('.');
  std::string digits = text.substr(0, point);
  std::string fraction = point == std::string::npos ? "" : text.substr(point + 1);
  fraction.resize(4, '0');
  return std::stoll(digits + fraction);
}

std::string number(std::mt19937& random, bool integer) {
  static constexpr int kLimits[] = {1, 10, 12, 100, 1000, 21000};
  const int limit = kLimits[random() % 6];
  std::string out = random() % 2 ? "-" : "";
  out += std::to_string(random() % static_cast<unsigned>(limit));
  if (integer || random() % 3 == 0) return out == "-0" ? "0" : out;
  out += ".";
  for (int n = 1 + static_cast<int>(random() % 4); n > 0; --n) out += std::to_string(random() % 10);
  return out;
}

TEST(NumberRange, HoldsExactlyTheNumbersBetweenItsBounds) {
  std::mt19937 random(5);
  int inside = 0, outside = 0;
  for (int i = 0; i < 300; ++i) {
    NumberRange range{.integer = random() % 2 == 0};
    if (random() % 4 != 0) range.least = NumberBound{number(random, false), random() % 2 == 0};
    if (random() % 4 != 0) range.most = NumberBound{number(random, false), random() % 2 == 0};
    std::vector<std::string> numbers;
    for (int k = 0; k < 40; ++k) numbers.push_back(number(random, range.integer));
    for (const std::optional<NumberBound>* bound : {&range.least, &range.most})
      if (*bound && (!range.integer || (*bound)->value.find('.') == std::string::npos))
        numbers.push_back((*bound)->value == "-0" ? "0" : (*bound)->value);
    const std::vector<bool> is_held = held(range, numbers);
    for (size_t k = 0; k < numbers.size(); ++k) {
      const long long x = scaled(numbers[k]);
      bool wanted = true;
      if (range.least) {
        const long long least = scaled(range.least->value);
        wanted = wanted && (range.least->exclusive ? x > least : x >= least);
      }
      if (range.most) {
        const long long most = scaled(range.most->value);
        wanted = wanted && (range.most->exclusive ? x < most : x <= most);
      }
      EXPECT_EQ(is_held[k], wanted)
          << numbers[k] << " in " << (range.least ? range.least->value : "") << " to "
          << (range.most ? range.most->value : "") << (range.integer ? ", whole" : "");
      ++(wanted ? inside : outside);
    }
  }
  EXPECT_GT(inside, 2000);
  EXPECT_GT(outside, 2000);
}

TEST(NumberRange, WithoutBoundsHoldsWhatAJsonWriterWritesAndNothingTooLargeForADouble) {
  std::vector<std::string> written;
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t bits = random();
    double x = 0;
    static_assert(sizeof(x) == sizeof(bits));
    std::memcpy(&x, &bits, sizeof(x));
    const std::string text = nlohmann::json(x).dump();
    if (text != "null") written.push_back(text);
  }
  for (const double x : {1.7976931348623157e308, 5e-324, 0.1, 1e-5, 0.00012345678901234567, 1e15,
                         123456789012345680.0, -0.0})
    written.push_back(nlohmann::json(x).dump());
  const std::vector<bool> all = held({}, written);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(all[i]) << written[i];
  for (const std::string text : {"1e309", "10e308", "1.8e308", "1e999", "01", "+1", ".5", "1.",
                                 "1e", "--1", "0x1", "NaN", "1e+400", "99999999999999999999e300"})
    EXPECT_FALSE(held({}, {text})[0]) << text;
  EXPECT_FALSE(held({.integer = true}, {"1.5"})[0]);
  EXPECT_TRUE(held({.integer = true}, {"-18446744073709551615"})[0]);
}

TEST(NumberRange, EmptyRangesHoldNothingAndBoundsHaveLimitedDigits) {
  EXPECT_EQ(
      *number_terminal({.integer = true, .least = NumberBound{"1.2"}, .most = NumberBound{"1.9"}}),
      "");
  EXPECT_EQ(*number_terminal({.least = NumberBound{"3"}, .most = NumberBound{"2"}}), "");
  EXPECT_EQ(*number_terminal({.least = NumberBound{"2", true}, .most = NumberBound{"2"}}), "");
  EXPECT_EQ(number_terminal({.least = NumberBound{"1e40"}}).error().code, base::Errc::usage);
  EXPECT_EQ(number_terminal({.most = NumberBound{"1e-40"}}).error().code, base::Errc::usage);
}

}  // namespace
}  // namespace model
