// The little language of derive(): sum := product {(+|-) product}; product := unary {(*|/) unary};
// unary := - unary | number | [column] | ( sum ). A recursive descent that writes SQL as it reads.

#include <cmath>
#include <cstdio>

#include "tools/data/infer.h"
#include "tools/data/table.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

class Expression {
 public:
  Expression(const Table& table, const std::string& text) : table_(table), text_(text) {}

  base::Result<std::string> read() {
    base::Result<std::string> sql = sum(0);
    if (!sql) return sql;
    if (skip_spaces(); at_ < text_.size()) return bad();
    return sql;
  }

 private:
  Error bad() const {
    const std::string rest = text_.substr(at_, utf8_prefix(text_.substr(at_), 20));
    return {Errc::usage, "derive: cannot read " +
                             (rest.empty() ? "the end of the expression" : "\"" + rest + "\"") +
                             "; write columns in brackets, as in \"[a] / [b] * 100\""};
  }
  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
      ++at_;
  }
  bool take(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  base::Result<std::string> sum(int depth) {
    base::Result<std::string> left = product(depth);
    while (left) {
      const char op = take('+') ? '+' : take('-') ? '-' : '\0';
      if (!op) break;
      base::Result<std::string> right = product(depth);
      if (!right) return right;
      left = "(" + *left + " " + op + " " + *right + ")";
    }
    return left;
  }

  base::Result<std::string> product(int depth) {
    base::Result<std::string> left = unary(depth);
    while (left) {
      const char op = take('*') ? '*' : take('/') ? '/' : '\0';
      if (!op) break;
      base::Result<std::string> right = unary(depth);
      if (!right) return right;
      left = op == '*' ? "(" + *left + " * " + *right + ")"
                       : "(" + *left + " / nullif(" + *right + ", 0))";
    }
    return left;
  }

  base::Result<std::string> unary(int depth) {
    if (depth > 50) return Error{Errc::usage, "derive: the expression is nested too deep"};
    if (take('-')) {
      base::Result<std::string> value = unary(depth + 1);
      if (!value) return value;
      return "(-" + *value + ")";
    }
    if (take('(')) {
      base::Result<std::string> value = sum(depth + 1);
      if (!value) return value;
      if (!take(')')) return bad();
      return value;
    }
    if (take('[')) {
      const size_t end = text_.find(']', at_);
      if (end == text_.npos) return bad();
      base::Result<int> i = table_.find_number("derive", text_.substr(at_, end - at_));
      if (!i) return i.error();
      at_ = end + 1;
      return table_.columns()[static_cast<size_t>(*i)].type == Type::empty
                 ? std::string("NULL::DOUBLE")
                 : "c" + std::to_string(*i);
    }
    skip_spaces();
    size_t end = at_;
    while (end < text_.size() && ((text_[end] >= '0' && text_[end] <= '9') || text_[end] == '.'))
      ++end;
    const std::optional<double> number = parse_number(text_.substr(at_, end - at_));
    if (!number) return bad();
    at_ = end;
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "(%.17g)::DOUBLE", *number);
    return std::string(buffer);
  }

  const Table& table_;
  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

base::Result<std::string> expression_sql(const Table& table, const std::string& expression) {
  if (expression.size() > 1000)
    return Error{Errc::usage, "derive: the expression is longer than 1000 bytes"};
  return Expression(table, expression).read();
}

}  // namespace tools::data
