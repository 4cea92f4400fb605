#include "tools/vega/expression.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace tools::vega {
namespace {

std::string refusal(const std::string& text) {
  base::Result<Expression> expression = Expression::parse(text);
  if (!expression) return expression.error().message;
  base::Result<Row> value = expression->evaluate({});
  return value ? "" : value.error().message;
}

TEST(Expression, AnUnknownFunctionIsNamed) {
  EXPECT_NE(refusal("1 + frobnicate(2)").find("there is no function \"frobnicate\""),
            std::string::npos);
}

TEST(Expression, ANameThatTheScopeLacksIsNamed) {
  EXPECT_NE(refusal("width / 2").find("\"width\""), std::string::npos);
  Row names = {{"width", 300}};
  EXPECT_EQ(*Expression::parse("width / 2")->evaluate({.names = &names}), 150);
}

TEST(Expression, WrongNumbersOfArgumentsAreRefused) {
  EXPECT_NE(refusal("pow(2)").find("pow() takes 2 arguments, not 1"), std::string::npos);
}

TEST(Expression, NestingAndLengthAreBounded) {
  auto repeat = [](const std::string& part, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += part;
    return out;
  };
  EXPECT_NE(refusal(repeat("(", 5000) + "1" + repeat(")", 5000)), "");
  EXPECT_NE(refusal(repeat("!", 5000) + "1"), "");
  EXPECT_NE(refusal(repeat("[", 5000)), "");
  EXPECT_NE(refusal("1" + repeat("+1", 5000)), "");
  EXPECT_NE(refusal("a" + repeat(".a", 5000)), "");
  EXPECT_NE(refusal(repeat("1?", 5000)), "");
  EXPECT_NE(refusal("'" + repeat("x", 30000) + "'"), "");
  EXPECT_EQ(refusal("1" + repeat("+1", 150)), "");
}

TEST(Expression, ValuesAreBounded) {
  EXPECT_NE(refusal("sequence(1e9)"), "");
  EXPECT_NE(refusal("pad('x', 1e9)"), "");
}

TEST(Expression, HostileRegularExpressionsEndAtOnce) {
  EXPECT_EQ(refusal("test(/(a+)+$/, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')"), "");
  EXPECT_NE(refusal("test(/((a{100}){100}){100}/, 'a')"), "");
  EXPECT_NE(refusal("test(/(a)\\1/, 'aa')"), "");
  EXPECT_NE(refusal("test(/[/, 'aa')"), "");
}

TEST(Expression, FieldsAndParametersAreListed) {
  base::Result<Expression> expression = Expression::parse("datum.a + datum['b c'] * datum.a + k");
  ASSERT_TRUE(expression);
  EXPECT_EQ(expression->fields(), (std::vector<std::string>{"a", "b c"}));
  EXPECT_EQ(expression->names(), (std::vector<std::string>{"k"}));
}

TEST(Expression, FunctionsOfTheCallerAreCalled) {
  base::Result<Expression> expression = Expression::parse("scale('x', 2) + 1", {"scale"});
  ASSERT_TRUE(expression);
  const std::function<std::optional<base::Result<Row>>(std::string_view, const std::vector<Row>&)>
      functions = [](std::string_view name, const std::vector<Row>& arguments) {
        EXPECT_EQ(name, "scale");
        return std::optional<base::Result<Row>>(Row(arguments[1].get<double>() * 10));
      };
  EXPECT_EQ(*expression->evaluate({.functions = &functions}), 21);
}

TEST(Expression, RandomNumbersAreTheSameEveryTime) {
  base::Result<Expression> expression = Expression::parse("random()");
  Random first(0), second(0);
  Row a = *expression->evaluate({.random = &first});
  EXPECT_EQ(a, *expression->evaluate({.random = &second}));
  EXPECT_NE(a, *expression->evaluate({.random = &first}));
  EXPECT_GE(a.get<double>(), 0);
  EXPECT_LT(a.get<double>(), 1);
}

TEST(Expression, TheClockIsRefused) {
  EXPECT_NE(refusal("now()"), "");
  EXPECT_NE(refusal("datetime()"), "");
}

}  // namespace
}  // namespace tools::vega
