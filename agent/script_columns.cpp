// A script is read from its beginning again for every token: it has a few hundred bytes. The reader
// goes down the rules of script_grammar.cpp; where the text ends within a name it notes what could
// stand there, anything else that it does not understand ends the reading without a word.
#include "agent/script_columns.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "agent/grammar_text.h"

namespace agent {

namespace {

using std::string;
using std::string_view;

constexpr std::array kMonthNames = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array kWeekdays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr int kMostYears = 200;

enum class Wanted : uint8_t { any, number, ordered };

bool fits(const ScriptColumns::Column& column, Wanted wanted) {
  using Kind = ScriptColumns::Column::Kind;
  if (column.kind == Kind::unknown || wanted == Wanted::any) return true;
  if (wanted == Wanted::number) return column.kind == Kind::number;
  return column.kind != Kind::other;
}

Wanted wanted_by(GroupSummary::Of of) {
  return of == GroupSummary::Of::numbers   ? Wanted::number
         : of == GroupSummary::Of::ordered ? Wanted::ordered
                                           : Wanted::any;
}

// Years that `column` spans, as names of columns.
std::vector<string> years_of(const ColumnNames& column) {
  std::vector<string> years;
  if (column.last_year - column.first_year > kMostYears) return years;
  for (int year = column.first_year; column.first_year > 0 && year <= column.last_year; ++year)
    years.push_back("\"" + std::to_string(year) + "\"");
  return years;
}

class ScriptReader {
  using Column = ScriptColumns::Column;
  using Columns = ScriptColumns::Columns;
  using Kind = Column::Kind;

 public:
  ScriptReader(const std::map<string, Columns, std::less<>>& tables, string_view script)
      : tables_(tables), text_(script) {}

  ScriptEnd read() {
    while (statement() && eat("\n")) {
    }
    return std::move(end_);
  }

 private:
  // A table, or a number or text.
  using Value = std::optional<Columns>;

  string_view rest() const { return text_.substr(std::min(at_, text_.size())); }
  bool eat(string_view word) {
    if (!rest().starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  // Reading ends here; every caller passes it on.
  bool lost() {
    at_ = text_.size();
    return false;
  }
  bool expect(string_view word) { return eat(word) || lost(); }

  // Text between quotes, with them; nothing where it is not complete.
  std::optional<string> quoted() {
    const string_view text = rest();
    if (!text.starts_with('"')) return std::nullopt;
    for (size_t i = 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        at_ += i + 1;
        return string(text.substr(0, i + 1));
      }
    }
    return std::nullopt;
  }
  bool skip_quoted() { return quoted().has_value() || lost(); }
  bool skip_number() {
    const size_t before = at_;
    eat("-");
    while (at_ < text_.size() &&
           (std::isdigit(static_cast<unsigned char>(text_[at_])) != 0 || text_[at_] == '.'))
      ++at_;
    return at_ > before || lost();
  }

  // The text ends where one of `names` is due, of which `begun` is written.
  void due(const std::vector<string>& names, string_view begun) {
    if (names.empty()) return;
    for (const string& name : names)
      if (name.starts_with(begun)) end_.rest.push_back(name.substr(begun.size()));
    end_.astray = end_.rest.empty();
  }

  // One of `names`, spelled in full; nothing where the text ends before that.
  std::optional<string> one_of(const std::vector<string>& names) {
    const string_view begun = rest();
    std::optional<string> name = quoted();
    if (!name) {
      due(names, begun);
      lost();
      return std::nullopt;
    }
    if (!names.empty() && std::find(names.begin(), names.end(), *name) == names.end())
      end_.wrong = true;
    return name;
  }

  static std::vector<string> candidates(const Columns& table, Wanted wanted,
                                        const std::set<string>& not_again) {
    std::vector<string> names;
    if (table.open) return names;
    for (const Column& column : table.columns)
      if (fits(column, wanted) && !not_again.count(column.quoted)) names.push_back(column.quoted);
    return names;
  }

  // Columns would fit, but all of them are there already.
  static bool used_up(const Columns& table, Wanted wanted, const std::set<string>& not_again) {
    return !not_again.empty() && candidates(table, wanted, not_again).empty() &&
           !candidates(table, wanted, {}).empty();
  }

  std::optional<string> name(const Columns& table, Wanted wanted = Wanted::any,
                             const std::set<string>& not_again = {}) {
    if (used_up(table, wanted, not_again)) {
      end_.wrong = true;
      lost();
      return std::nullopt;
    }
    return one_of(candidates(table, wanted, not_again));
  }

  // Names with ", " between them, each once; appended to `into`.
  bool names(const Columns& table, Wanted wanted, std::set<string> not_again,
             std::vector<string>& into) {
    do {
      const std::optional<string> next = name(table, wanted, not_again);
      if (!next) return false;
      not_again.insert(*next);
      into.push_back(*next);
      if (rest().starts_with(",") && used_up(table, wanted, not_again))
        end_.wrong = true;  // before the quote, from where there is no way back
    } while (eat(", "));
    return true;
  }

  static Column number(string quoted) {
    return {.quoted = std::move(quoted), .kind = Kind::number};
  }
  static Column copied(const Columns& table, const string& quoted) {
    const Column* found = table.find(quoted);
    return found ? *found : Column{.quoted = quoted};
  }

  // -- tables

  std::optional<Columns> source() {
    if (eat("data.read(")) {
      std::vector<string> paths;
      for (const auto& entry : tables_) paths.push_back(entry.first);
      const std::optional<string> path = one_of(paths);
      if (!path || !expect(")")) return std::nullopt;
      const auto found = tables_.find(*path);
      return found == tables_.end() ? Columns{.open = true} : found->second;
    }
    if (eat("data.union(")) return united();
    const bool lines = rest().starts_with("data.lines(");
    if (eat("data.files(") || eat("data.lines(")) {
      if (!skip_quoted() || !expect(")")) return std::nullopt;
      if (!lines)
        return Columns{.columns = {{.quoted = "\"file\""},
                                   {.quoted = "\"name\""},
                                   {.quoted = "\"ext\""},
                                   number("\"bytes\""),
                                   number("\"lines\""),
                                   number("\"words\""),
                                   {.quoted = "\"hash\""}},
                       .name_of_rows = "\"file\""};
      // The text may hold dates.
      return Columns{.columns = {number("\"line\""), {.quoted = "\"text\""}}};
    }
    lost();
    return std::nullopt;
  }

  // Every further table has the columns of the first.
  std::optional<Columns> united() {
    Columns first{.open = true};
    std::vector<string> paths;
    for (const auto& entry : tables_) paths.push_back(entry.first);
    for (bool begins = true; begins || eat(", "); begins = false) {
      const std::optional<string> path = one_of(paths);
      if (!path) return std::nullopt;
      const auto found = tables_.find(*path);
      if (begins && found != tables_.end()) first = found->second;
      std::erase_if(paths, [&](const string& other) {
        const Columns& its = tables_.find(other)->second;
        return other == *path || !std::all_of(first.columns.begin(), first.columns.end(),
                                              [&](const Column& c) { return its.find(c.quoted); });
      });
      if (paths.empty() && rest().starts_with(",")) {
        end_.wrong = true;
        lost();
        return std::nullopt;
      }
    }
    if (!expect(")")) return std::nullopt;
    // Whose values are in which file is not told apart here.
    for (Column& column : first.columns) column.values.clear();
    first.add({.quoted = "\"file\"", .kind = Kind::other});
    return first;
  }

  std::optional<char> variable() {
    for (const char c : {'t', 'a', 'b', 'r'}) {
      const string_view text = rest();
      if (text.starts_with(c) &&
          (text.size() == 1 || (std::isalnum(static_cast<unsigned char>(text[1])) == 0 &&
                                text[1] != '_' && text[1] != '.'))) {
        ++at_;
        return c;
      }
    }
    return std::nullopt;
  }

  // A value, methods and arithmetic included; false where reading ends.
  bool value(Value& out) {
    if (!operand(out)) return false;
    while (eat(" + ") || eat(" - ") || eat(" * ") || eat(" / ")) {
      Value other;
      if (!operand(other)) return false;
      out.reset();
    }
    return true;
  }

  bool operand(Value& out) {
    out.reset();
    if (eat("(")) return value(out) && expect(")");
    if (eat("#")) return variable() || lost();
    if (rest().starts_with('"')) return skip_quoted();
    if (eat("read_text(")) return skip_quoted() && expect(")");
    if (eat("tostring(")) {
      const bool read = value(out) && expect(")");
      out.reset();
      return read;
    }
    if (eat("table.concat({")) return values() && expect("})");
    if (eat("files.write(") || eat("report.markdown(")) return values() && expect(")");
    if (const std::optional<char> which = variable()) {
      const auto found = variables_.find(*which);
      if (found == variables_.end() || !found->second) return true;
      out = found->second;
      return methods(out);
    }
    if (rest().starts_with("data.")) {
      out = source();
      return out && methods(out);
    }
    return !rest().empty() &&
                   (std::isdigit(static_cast<unsigned char>(rest()[0])) != 0 || rest()[0] == '-')
               ? skip_number()
               : lost();
  }

  bool values() {
    do {
      Value one;
      if (!value(one)) return false;
    } while (eat(", "));
    return true;
  }

  bool methods(Value& table) {
    while (table && rest().starts_with(':'))
      if (!method(table)) return false;
    return true;
  }

  bool scalar(Value& table) {
    table.reset();
    return expect(")");
  }

  bool method(Value& out) {
    Columns& table = *out;
    if (eat(":where(")) return where(table);
    if (eat(":group(")) return group(table);
    if (eat(":derive(")) return derive(table);
    if (eat(":join(")) return join(table);
    if (eat(":pivot(")) return pivot(table);
    if (eat(":unpivot({")) return unpivot(table);
    if (eat(":window(")) return window(table);
    if (eat(":known(") || eat(":unique(")) return name(table) && expect(")");
    if (eat(":head(")) return skip_number() && expect(")");
    if (eat(":sort(")) return name(table) && (!eat(", ") || skip_quoted()) && expect(")");
    if (eat(":top(") || eat(":bottom("))
      return skip_number() && expect(", ") && name(table) && (!eat(", ") || name(table)) &&
             expect(")");
    if (eat(":select(")) {
      std::vector<string> chosen;
      if (!names(table, Wanted::any, {}, chosen) || !expect(")")) return false;
      Columns kept;
      for (const string& one : chosen) kept.put(copied(table, one));
      table = std::move(kept);
      return true;
    }
    if (eat(":rename(")) {
      const std::optional<string> from = name(table);
      if (!from || !expect(", ")) return false;
      const std::optional<string> to = quoted();
      if (!to) return lost();
      for (Column& column : table.columns)
        if (column.quoted == *from) column.quoted = *to;
      return expect(")");
    }
    if (eat(":share(")) {
      if (!name(table, Wanted::number) || !expect(")")) return false;
      table.put(number("\"share\""));
      return true;
    }
    for (const string part :
         {"year", "month_name", "month", "quarter", "weekday", "week", "day", "hour"})
      if (eat(":" + part + "(")) return date_part(table, part);
    if (eat(":count(")) return scalar(out);
    if (eat(":sum(") || eat(":mean(") || eat(":median("))
      return name(table, Wanted::number) && scalar(out);
    if (eat(":min(") || eat(":max(")) return name(table, Wanted::ordered) && scalar(out);
    if (eat(":distinct(") || eat(":value(") || eat(":missing(")) return name(table) && scalar(out);
    if (eat(":save(") || eat(":to_xlsx(")) return skip_quoted() && scalar(out);
    return lost();
  }

  bool where(Columns& table) {
    if (!name(table) || !expect(", ") || !skip_quoted() || !expect(", ")) return false;
    if (!eat("true") && !eat("false")) {
      if (!(rest().starts_with('"') ? skip_quoted() : skip_number())) return false;
    }
    return expect(")");
  }

  bool date_part(Columns& table, const string& part) {
    std::set<string> not_months;
    for (const Column& column : table.columns)
      if (part == "month_name" && column.kind == Kind::number && !column.values.empty())
        not_months.insert(column.quoted);  // years
    const std::optional<string> of =
        name(table, part == "month_name" ? Wanted::any : Wanted::ordered, not_months);
    if (!of || !expect(")")) return false;
    Column made{.quoted = "\"" + part + "\"", .kind = Kind::other};
    if (part == "year" || part == "hour") made.kind = Kind::number;
    if (part == "day") made.kind = Kind::date;
    if (part == "year") made.values = copied(table, *of).values;
    if (part == "month_name")
      for (const char* month : kMonthNames) made.values.push_back("\"" + string(month) + "\"");
    if (part == "weekday")
      for (const char* day : kWeekdays) made.values.push_back("\"" + string(day) + "\"");
    table.put(std::move(made));
    return true;
  }

  bool group(Columns& table) {
    std::vector<string> keys;
    Columns grouped;
    const auto add_keys = [&] {
      for (const string& key : keys) grouped.put(copied(table, key));
    };
    std::set<string> not_again;
    if (!table.name_of_rows.empty()) not_again.insert(table.name_of_rows);
    do {
      if (rest().starts_with('{')) {
        add_keys();
        if (!summaries(table, {keys.begin(), keys.end()}, grouped) || !expect(")")) return false;
        table = std::move(grouped);
        return true;
      }
      const std::optional<string> key = name(table, Wanted::any, not_again);
      if (!key) return false;
      not_again.insert(*key);
      keys.push_back(*key);
    } while (eat(", "));
    if (!expect(")")) return false;
    add_keys();
    if (eat(":count()")) {
      grouped.add(number("\"count\""));
      table = std::move(grouped);
      return true;
    }
    const bool ends = rest().starts_with(":min(") || rest().starts_with(":max(");
    if (!eat(":sum(") && !eat(":mean(") && !eat(":median(") && !eat(":min(") && !eat(":max("))
      return lost();
    std::vector<string> columns;
    if (!names(table, ends ? Wanted::ordered : Wanted::number, not_again, columns) || !expect(")"))
      return false;
    for (const string& column : columns) {
      const Kind kind = ends ? copied(table, column).kind : Kind::number;
      grouped.add({.quoted = column, .kind = kind});
    }
    table = std::move(grouped);
    return true;
  }

  // {total={"sum", "x"}, count="count"}: each name once. A list of a key would be that key.
  bool summaries(const Columns& table, const std::set<string>& keys, Columns& into) {
    if (!expect("{")) return false;
    std::set<string> left;
    for (const GroupSummary& summary : kGroupSummaries) left.insert(string(summary.name) + "=");
    do {
      const size_t end = rest().find('=');
      if (end == string_view::npos) {
        due({left.begin(), left.end()}, rest());
        return lost();
      }
      const string made = "\"" + string(rest().substr(0, end)) + "\"";
      if (left.erase(string(rest().substr(0, end + 1))) == 0) end_.wrong = true;
      at_ += end + 1;
      Column column = number(made);
      if (eat("{")) {
        const std::optional<string> how = quoted();
        if (!how || !expect(", ")) return lost();
        Wanted wanted = Wanted::number;
        bool list = false;
        for (const GroupSummary& summary : kGroupSummaries) {
          if (unquoted(*how) != summary.how) continue;
          wanted = wanted_by(summary.of);
          list = summary.of == GroupSummary::Of::texts;
        }
        const std::optional<string> of = name(table, wanted, list ? keys : std::set<string>{});
        if (!of || !expect("}")) return false;
        if (wanted == Wanted::ordered) column.kind = copied(table, *of).kind;
        if (list) column.kind = Kind::other;
      } else if (!skip_quoted()) {
        return false;
      }
      into.add(std::move(column));
    } while (eat(", "));
    return expect("}");
  }

  bool derive(Columns& table) {
    const std::optional<string> made = quoted();
    if (!made || !expect(", \"")) return lost();
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_];
      if (c == '\'') {
        const size_t end = text_.find('\'', at_ + 1);
        if (end == string_view::npos) return lost();
        at_ = end + 1;
      } else if (c == '[') {
        if (!bracketed(table, wanted_in(text_.substr(begin, at_ - begin)))) return false;
      } else {
        ++at_;
      }
    }
    const bool text = text_.substr(begin).starts_with("concat(");
    if (!expect("\")")) return false;
    table.put({.quoted = *made, .kind = text ? Kind::other : Kind::number});
    return true;
  }

  static Wanted wanted_in(string_view before) {
    if (before.starts_with("days(")) return Wanted::ordered;
    if (before.starts_with("if(") || before.starts_with("concat(")) return Wanted::any;
    return Wanted::number;
  }

  bool bracketed(const Columns& table, Wanted wanted) {
    std::vector<string> known;
    for (const string& quoted : candidates(table, wanted, {}))
      known.push_back("[" + unquoted(quoted) + "]");
    const size_t end = rest().find(']');
    if (end == string_view::npos) {
      due(known, rest());
      return lost();
    }
    const string given(rest().substr(0, end + 1));
    if (!known.empty() && std::find(known.begin(), known.end(), given) == known.end())
      end_.wrong = true;
    at_ += end + 1;
    return true;
  }

  bool join(Columns& table) {
    Value other;
    if (const std::optional<char> which = variable()) {
      const auto found = variables_.find(*which);
      other = found != variables_.end() && found->second ? found->second : Columns{.open = true};
    } else {
      other = source();
    }
    if (!other || !expect(", ")) return false;
    string there;
    if (eat("{[")) {
      if (!name(table) || !expect("]=")) return false;
      const std::optional<string> key = name(*other);
      if (!key || !expect("}")) return false;
      there = *key;
    } else {
      Columns both{.open = table.open || other->open};
      for (const Column& column : table.columns)
        if (other->find(column.quoted)) both.put(column);
      const std::optional<string> key = name(both);
      if (!key) return false;
      there = *key;
    }
    string how = "\"inner\"";
    if (eat(", ")) {
      const std::optional<string> given = quoted();
      if (!given) return lost();
      how = *given;
    }
    if (!expect(")")) return false;
    if (how == "\"semi\"" || how == "\"anti\"") return true;
    table.open = table.open || other->open;
    for (const Column& column : other->columns)
      if (column.quoted != there) table.add(column);
    return true;
  }

  bool pivot(Columns& table) {
    const std::optional<string> rows = name(table);
    if (!rows || !expect(", ")) return false;
    const std::optional<string> across = name(table, Wanted::any, {*rows});
    if (!across || !expect(", ") || !name(table) || !expect(", ") || !skip_quoted() || !expect(")"))
      return false;
    const std::vector<string> values = copied(table, *across).values;
    Columns made{.open = table.open || values.empty()};
    made.put(copied(table, *rows));
    for (const string& value : values) made.add(number(value));
    table = std::move(made);
    return true;
  }

  bool unpivot(Columns& table) {
    std::vector<string> folded;
    if (!names(table, Wanted::number, {}, folded) || !expect("}, ")) return false;
    const std::optional<string> series = quoted();
    if (!series || !expect(", ")) return lost();
    const std::optional<string> value = quoted();
    if (!value) return lost();
    std::erase_if(table.columns, [&](const Column& column) {
      return std::find(folded.begin(), folded.end(), column.quoted) != folded.end();
    });
    table.add({.quoted = *series, .kind = Kind::other, .values = folded});
    table.add(number(*value));
    return expect(")");
  }

  // ("rank", "rank", {by="a", order="b", desc=true})
  bool window(Columns& table) {
    const std::optional<string> made = quoted();
    if (!made || !expect(", ")) return lost();
    const std::optional<string> how = quoted();
    if (!how || !expect(", {")) return lost();
    Column column = number(*made);
    do {
      if (eat("column=")) {
        const std::optional<string> of = name(table, Wanted::number);
        if (!of) return false;
      } else if (eat("by=") || eat("order=")) {
        if (!name(table)) return false;
      } else if (eat("n=")) {
        if (!skip_number()) return false;
      } else if (!expect("desc=true")) {
        return false;
      }
    } while (eat(", "));
    table.put(std::move(column));
    return expect("})");
  }

  // -- statements

  bool chart() {
    const size_t end = rest().find('(');
    if (end == string_view::npos) return lost();
    const string kind(rest().substr(0, end));
    at_ += end + 1;
    Value drawn;
    if (!value(drawn) || !expect(", {")) return false;
    const Columns table = drawn.value_or(Columns{.open = true});
    string x;
    do {
      if (eat("x=")) {
        const std::optional<string> given =
            name(table, kind == "hist" ? Wanted::number : Wanted::any);
        if (!given) return false;
        x = *given;
      } else if (eat("y={")) {
        std::vector<string> ys;
        if (!names(table, Wanted::number, {x}, ys) || !expect("}")) return false;
      } else if (eat("y=")) {
        if (!name(table, kind == "heatmap" ? Wanted::any : Wanted::number, {x})) return false;
      } else if (eat("color=")) {
        if (!name(table, kind == "heatmap" ? Wanted::number : Wanted::any)) return false;
      } else if (eat("bins=")) {
        if (!skip_number()) return false;
      } else if (!((eat("title=") || eat("save=") || eat("stack=")) && skip_quoted())) {
        return lost();
      }
    } while (eat(", "));
    return expect("})");
  }

  bool statement() {
    if (eat("chart.")) return chart();
    if (eat("print(")) return values() && expect(")");
    const string_view text = rest();
    if (text.size() > 3 && text.substr(1, 3) == " = ") {
      const char which = text[0];
      at_ += 4;
      Value given;
      if (!value(given)) return false;
      variables_[which] = std::move(given);
      return true;
    }
    Value shown;
    return value(shown);
  }

  const std::map<string, Columns, std::less<>>& tables_;
  string_view text_;
  size_t at_ = 0;
  std::map<char, Value> variables_;
  ScriptEnd end_;
};

ScriptColumns::Column::Kind kind_of(ColumnType type) {
  using Kind = ScriptColumns::Column::Kind;
  switch (type) {
    case ColumnType::number:
      return Kind::number;
    case ColumnType::date:
      return Kind::date;
    case ColumnType::text:
    case ColumnType::boolean:
      return Kind::other;
    case ColumnType::empty:
      break;
  }
  return Kind::unknown;
}

}  // namespace

const ScriptColumns::Column* ScriptColumns::Columns::find(string_view quoted) const {
  for (const Column& column : columns)
    if (column.quoted == quoted) return &column;
  return nullptr;
}

void ScriptColumns::Columns::put(Column column) {
  for (Column& mine : columns)
    if (mine.quoted == column.quoted) {
      mine = std::move(column);
      return;
    }
  columns.push_back(std::move(column));
}

void ScriptColumns::Columns::add(Column column) {
  const string wanted = column.quoted.substr(0, column.quoted.size() - 1);
  for (int n = 2; find(column.quoted); ++n) column.quoted = wanted + "_" + std::to_string(n) + "\"";
  columns.push_back(std::move(column));
}

ScriptColumns::ScriptColumns(const Names& names) {
  for (const FileNames& file : names.files) {
    if (!file.is_table) continue;
    Columns table;
    for (const ColumnNames& from : file.columns) {
      Column column{.quoted = lua_quoted(from.name), .kind = kind_of(from.type)};
      if (from.type == ColumnType::text)
        for (const string& value : from.values) column.values.push_back(lua_quoted(value));
      else
        column.values = years_of(from);
      table.columns.push_back(std::move(column));
    }
    tables_[lua_quoted(file.path)] = std::move(table);
  }
}

ScriptEnd ScriptColumns::end_of(string_view script) const {
  return ScriptReader(tables_, script).read();
}

}  // namespace agent
