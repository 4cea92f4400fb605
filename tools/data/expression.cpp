// The language of derive():
//
//   sum     := product {(+|-) product}        product := unary {(*|/) unary}
//   unary   := - unary | number | [column] | ( sum ) | name ( argument {, argument} )
//   argument := value [(== | ~= | < | <= | > | >=) value], value := sum or 'text'
//
// A recursive descent that writes SQL as it reads. Outside functions everything is a number, as it
// was before there were functions; texts, dates and comparisons exist as their arguments only.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/data/infer.h"
#include "tools/data/table.h"
#include "tools/data/table_sql.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

struct Function {
  std::string_view name;
  std::string_view takes;   // a letter per argument: t text, n number, d date, b boolean, a any, s
                            // the same as the one before; small after ? may be left out
  Type gives;               // empty: what the last argument is
  std::string_view sql;     // $1 … $4: arguments
  std::string_view absent;  // for the argument that was left out
};

// Counts of characters, from a number.
#define TESSERA_COUNT(x) "least(greatest(" x ", -1000000), 1000000)::INTEGER"

constexpr Function kFunctions[] = {
    {"lower", "t", Type::text, "lower($1)", ""},
    {"upper", "t", Type::text, "upper($1)", ""},
    {"trim", "t", Type::text, "trim($1)", ""},
    {"length", "t", Type::number, "length($1)::DOUBLE", ""},
    {"replace", "ttt", Type::text, "replace($1, $2, $3)", ""},
    {"split", "ttn", Type::text, "nullif(split_part($1, $2, " TESSERA_COUNT("$3") "), '')", ""},
    {"left", "tn", Type::text, "left($1, " TESSERA_COUNT("$2") ")", ""},
    {"right", "tn", Type::text, "right($1, " TESSERA_COUNT("$2") ")", ""},
    {"substring", "tnn", Type::text,
     "substring($1, " TESSERA_COUNT("$2") ", " TESSERA_COUNT("$3") ")", ""},
    {"contains", "tt", Type::boolean, "contains($1, $2)", ""},
    {"starts_with", "tt", Type::boolean, "starts_with($1, $2)", ""},
    {"ends_with", "tt", Type::boolean, "ends_with($1, $2)", ""},
    {"concat", "a?aaaaaaaaa", Type::text, "", ""},
    {"number", "t", Type::number,
     "CASE WHEN regexp_full_match(trim($1), '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') "
     "THEN "
     "TRY_CAST(trim($1) AS DOUBLE) END",
     ""},
    {"text", "a", Type::text, "", ""},
    {"round", "n?n", Type::number, "round($1, least(greatest($2, -15), 15)::INTEGER)", "0"},
    {"abs", "n", Type::number, "abs($1)", ""},
    {"floor", "n", Type::number, "floor($1)", ""},
    {"ceil", "n", Type::number, "ceil($1)", ""},
    {"sqrt", "n", Type::number, "CASE WHEN $1 >= 0 THEN sqrt($1) END", ""},
    {"log", "n", Type::number, "CASE WHEN $1 > 0 THEN ln($1) END", ""},
    {"year", "d", Type::number, "year($1)::DOUBLE", ""},
    {"month", "d", Type::number, "month($1)::DOUBLE", ""},
    {"day", "d", Type::number, "day($1)::DOUBLE", ""},
    {"days", "dd", Type::number, "((epoch_us($2) - epoch_us($1)) / 86400000000.0)::DOUBLE", ""},
    {"coalesce", "as", Type::empty, "coalesce($1, $2)", ""},
    {"if", "bas", Type::empty, "CASE WHEN $1 THEN $2 ELSE $3 END", ""},
};

std::string text_sql(const ExpressionSql& value) { return sql::text_sql(value.type, value.sql); }

class Expression {
 public:
  Expression(const Table& table, const std::string& text) : table_(table), text_(text) {}

  base::Result<ExpressionSql> read() {
    base::Result<ExpressionSql> made = sum(0, false);
    if (!made) return made;
    if (skip_spaces(); at_ < text_.size()) return bad();
    if (made->sql.size() > kMaxSql) return Error{Errc::usage, "derive: the expression is too long"};
    return made;
  }

 private:
  static constexpr size_t kMaxSql = 100'000;

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
  bool take(std::string_view token) {
    skip_spaces();
    if (text_.compare(at_, token.size(), token) != 0) return false;
    at_ += token.size();
    return true;
  }
  static Error needs_numbers(char op) {
    return {Errc::usage, std::string("derive: ") + op + " needs numbers on both sides"};
  }

  base::Result<ExpressionSql> sum(int depth, bool any) {
    base::Result<ExpressionSql> left = product(depth, any);
    while (left) {
      const char op = take("+") ? '+' : take("-") ? '-' : '\0';
      if (!op) break;
      base::Result<ExpressionSql> right = product(depth, any);
      if (!right) return right;
      if (left->type != Type::number || right->type != Type::number) return needs_numbers(op);
      left = ExpressionSql{"(" + left->sql + " " + op + " " + right->sql + ")"};
    }
    return left;
  }

  base::Result<ExpressionSql> product(int depth, bool any) {
    base::Result<ExpressionSql> left = unary(depth, any);
    while (left) {
      const char op = take("*") ? '*' : take("/") ? '/' : '\0';
      if (!op) break;
      base::Result<ExpressionSql> right = unary(depth, any);
      if (!right) return right;
      if (left->type != Type::number || right->type != Type::number) return needs_numbers(op);
      left = ExpressionSql{op == '*' ? "(" + left->sql + " * " + right->sql + ")"
                                     : "(" + left->sql + " / nullif(" + right->sql + ", 0))"};
    }
    return left;
  }

  base::Result<ExpressionSql> unary(int depth, bool any) {
    if (depth > 50) return Error{Errc::usage, "derive: the expression is nested too deep"};
    if (take("-")) {
      base::Result<ExpressionSql> value = unary(depth + 1, any);
      if (!value) return value;
      if (value->type != Type::number) return Error{Errc::usage, "derive: - needs a number"};
      return ExpressionSql{"(-" + value->sql + ")"};
    }
    if (take("(")) {
      base::Result<ExpressionSql> value = sum(depth + 1, any);
      if (!value) return value;
      if (!take(")")) return bad();
      return value;
    }
    if (take("[")) {
      const size_t end = text_.find(']', at_);
      if (end == text_.npos) return bad();
      const std::string name = text_.substr(at_, end - at_);
      base::Result<int> i = any ? table_.find("derive", name) : table_.find_number("derive", name);
      if (!i) return i.error();
      at_ = end + 1;
      const Type type = table_.columns()[static_cast<size_t>(*i)].type;
      if (type == Type::empty) return ExpressionSql{"NULL::DOUBLE"};
      return ExpressionSql{"c" + std::to_string(*i), type};
    }
    skip_spaces();
    if (any && at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      const size_t end = text_.find(text_[at_], at_ + 1);
      if (end == text_.npos) return bad();
      const std::string text = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return ExpressionSql{sql::literal(std::string_view(text)), Type::text};
    }
    if (const size_t end = name_end(); end > at_) return function(end, depth);
    size_t end = at_;
    while (end < text_.size() && ((text_[end] >= '0' && text_[end] <= '9') || text_[end] == '.'))
      ++end;
    const std::optional<double> number = parse_number(text_.substr(at_, end - at_));
    if (!number) return bad();
    at_ = end;
    return ExpressionSql{sql::literal(*number)};
  }

  // End of a name that an opening parenthesis follows; else where it would begin.
  size_t name_end() const {
    size_t end = at_;
    while (end < text_.size() && ((text_[end] >= 'a' && text_[end] <= 'z') ||
                                  (text_[end] >= 'A' && text_[end] <= 'Z') || text_[end] == '_'))
      ++end;
    size_t next = end;
    while (next < text_.size() && text_[next] == ' ') ++next;
    return end > at_ && next < text_.size() && text_[next] == '(' ? end : at_;
  }

  base::Result<ExpressionSql> argument(int depth) {
    base::Result<ExpressionSql> left = sum(depth, true);
    if (!left) return left;
    for (const auto& [ours, theirs] : {std::pair{"==", " = "},
                                       {"~=", " <> "},
                                       {"<=", " <= "},
                                       {">=", " >= "},
                                       {"<", " < "},
                                       {">", " > "}}) {
      if (!take(ours)) continue;
      base::Result<ExpressionSql> right = sum(depth, true);
      if (!right) return right;
      if (left->type != right->type)
        return Error{Errc::usage, std::string("derive: ") + ours + " compares " +
                                      std::string(type_name(left->type)) + " with " +
                                      std::string(type_name(right->type))};
      return ExpressionSql{"(" + left->sql + theirs + right->sql + ")", Type::boolean};
    }
    return left;
  }

  base::Result<ExpressionSql> function(size_t name_ends, int depth) {
    const std::string name = text_.substr(at_, name_ends - at_);
    const auto* f = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                 [&](const Function& known) { return known.name == name; });
    if (f == std::end(kFunctions)) {
      std::vector<std::string> names;
      for (const Function& known : kFunctions) names.emplace_back(known.name);
      return Error{Errc::usage, "derive: no function \"" + name.substr(0, 60) +
                                    "\"; functions: " + suggest(names, name)};
    }
    at_ = name_ends;
    if (!take("(")) return bad();
    std::vector<ExpressionSql> given;
    if (!take(")")) {
      do {
        base::Result<ExpressionSql> value = argument(depth + 1);
        if (!value) return value;
        given.push_back(std::move(*value));
      } while (take(",") && given.size() < 20);
      if (!take(")")) return bad();
    }
    std::string takes;
    size_t least = 0;
    bool optional = false;
    for (const char ch : f->takes) {
      if (ch == '?') {
        optional = true;
        continue;
      }
      takes += ch;
      least += !optional;
    }
    if (given.size() < least || given.size() > takes.size())
      return Error{Errc::usage, "derive: " + name + " takes " +
                                    (least == takes.size() ? std::to_string(least)
                                                           : std::to_string(least) + " to " +
                                                                 std::to_string(takes.size())) +
                                    (takes.size() == 1 ? " argument" : " arguments") + ", not " +
                                    std::to_string(given.size())};
    for (size_t k = 0; k < given.size(); ++k) {
      const Type wanted = takes[k] == 't'   ? Type::text
                          : takes[k] == 'n' ? Type::number
                          : takes[k] == 'd' ? Type::date
                          : takes[k] == 'b' ? Type::boolean
                          : takes[k] == 's' ? given[k - 1].type
                                            : given[k].type;
      // A column without a value fits everywhere.
      if (given[k].sql == "NULL::DOUBLE") {
        given[k] = {"NULL::" + std::string(sql::sql_type(wanted)), wanted};
      } else if (given[k].type != wanted) {
        return Error{Errc::usage, "derive: argument " + std::to_string(k + 1) + " of " + name +
                                      " is " + std::string(type_name(given[k].type)) + ", not " +
                                      std::string(type_name(wanted))};
      }
    }
    if (name == "text") return ExpressionSql{text_sql(given[0]), Type::text};
    if (name == "concat") {
      std::string all;
      for (const ExpressionSql& part : given) all += (all.empty() ? "(" : " || ") + text_sql(part);
      return ExpressionSql{all + ")", Type::text};
    }
    std::string out;
    size_t places = 0;
    for (size_t i = 0; i < f->sql.size(); ++i) {
      if (f->sql[i] != '$') {
        out += f->sql[i];
        continue;
      }
      const auto k = static_cast<size_t>(f->sql[++i] - '1');
      out += k < given.size() ? given[k].sql : std::string(f->absent);
      // Arguments that are written more than once grow fast when functions are nested.
      if (++places, out.size() > kMaxSql)
        return Error{Errc::usage, "derive: the expression is too long"};
    }
    return ExpressionSql{"(" + out + ")", f->gives == Type::empty ? given.back().type : f->gives};
  }

  const Table& table_;
  const std::string& text_;
  size_t at_ = 0;
};

}  // namespace

base::Result<ExpressionSql> expression_sql(const Table& table, const std::string& expression) {
  if (expression.size() > 1000)
    return Error{Errc::usage, "derive: the expression is longer than 1000 bytes"};
  return Expression(table, expression).read();
}

}  // namespace tools::data
