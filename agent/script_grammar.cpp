// How the grammars are laid out. Text is cut into lexemes that end where the next character cannot
// belong to them: quoted names with their quotes, method heads up to the parenthesis, numbers. The
// engine's lexer never goes back, so no lexeme may need a look ahead; where that would be needed
// (an answer), one regular expression describes the whole. Rules say which lexemes follow which. A
// script is a chain of statement rules whose parameter remembers what has been assigned:
//
//   bit 0..3   t a b r hold a table          bit 4..7   t a b r hold a number or text
//   bits 8..10 statements so far
//
// so a variable is never read before it is written (one that held both kinds may be read as
// either), a script has at most eight statements, and it ends with one that shows something.
// Scripts that start from data.files or data.lines know the columns of those tables too; all other
// scripts know only columns that exist and the names for new ones, years among them (columns of a
// pivot). A script that moves, renames, sorts or makes files is one statement of its own
// (plan_rules.h).
#include "agent/script_grammar.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include "agent/grammar_text.h"
#include "agent/join_keys.h"
#include "agent/plan_rules.h"
#include "base/json.h"
#include "base/utf8.h"

namespace agent {

namespace {

using std::string;
using std::string_view;

constexpr string_view kQuote = "<[52]>";
constexpr string_view kCallBegin = "<[48]>";
constexpr string_view kCallEnd = "<[49]>";
constexpr string_view kAfterCall = "<[50,106]>";
constexpr string_view kTurnEnd = "<[106]>";

// Terminals that do not depend on the workspace. Text in quotes is bounded so that a reply ends.
constexpr string_view kCommon = R"RE(
STR: /"([^"\\\x00-\x1F\x7F]|\\["\\nt]){1,160}"/
TITLE: /"([^"\\\x00-\x1F\x7F]|\\["\\]){1,100}"/
NUM: /-?[0-9]{1,12}(\.[0-9]{1,8})?/
PNUM: /[0-9]{1,12}(\.[0-9]{1,8})?/
INT: /[1-9][0-9]{0,4}/
DATE: /"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"/
BOOL: "true" | "false"
CMP: "\"==\"" | "\"~=\"" | "\"<\"" | "\"<=\"" | "\">\"" | "\">=\""
SAME: "\"==\"" | "\"~=\""
PNG: /"([A-Za-z0-9_-]{1,40}\/)?[A-Za-z0-9_-]{1,60}\.png"/
COMPARED: " == " | " ~= " | " < " | " <= " | " > " | " >= "
INQUOTES: /[^'"\\\x00-\x1F\x7F]{1,60}/
SUMMARY: "\"sum\"" | "\"mean\"" | "\"median\"" | "\"min\"" | "\"max\"" | "\"count\""
UNFOLDED: "}, \"series\", \"value\")" | "}, \"year\", \"value\")" | "}, \"month\", \"value\")"
KIND: ", \"left\"" | ", \"full\"" | ", \"semi\"" | ", \"anti\""
STACK: ", stack=\"zero\"" | ", stack=\"normalize\""
PAGE: /"([A-Za-z0-9_-]{1,40}\/)?[A-Za-z0-9_-]{1,60}\.html"/
MONTHQ: /"[0-9]{4}-[0-9]{2}"/
QUARTERQ: /"[0-9]{4} Q[1-4]"/
WEEKDAYQ: "\"Mon\"" | "\"Tue\"" | "\"Wed\"" | "\"Thu\"" | "\"Fri\"" | "\"Sat\"" | "\"Sun\""
MONTHNAMEQ: "\"Jan\"" | "\"Feb\"" | "\"Mar\"" | "\"Apr\"" | "\"May\"" | "\"Jun\"" | "\"Jul\"" | "\"Aug\"" | "\"Sep\"" | "\"Oct\"" | "\"Nov\"" | "\"Dec\""
)RE";

// Names of columns that scripts make, besides those of summaries: some hold numbers or what a
// script fills itself, the others do not.
constexpr std::array kNewNumbers = {
    "share",  "year",   "value", "difference", "ratio",    "hour",          "percent",       "rate",
    "change", "growth", "days",  "rank",       "previous", "running_total", "moving_average"};
constexpr std::array kNewOthers = {"month", "quarter", "month_name", "weekday",
                                   "file",  "series",  "week",       "day"};

std::set<string> new_numbers() {
  std::set<string> names(kNewNumbers.begin(), kNewNumbers.end());
  for (const GroupSummary& summary : kGroupSummaries)
    if (summary.of != GroupSummary::Of::texts) names.insert(string(summary.name));
  return names;
}

std::set<string> new_names() {
  std::set<string> names = new_numbers();
  names.insert(kNewOthers.begin(), kNewOthers.end());
  for (const GroupSummary& summary : kGroupSummaries) names.insert(string(summary.name));
  return names;
}

// Columns of a pivot over years.
constexpr string_view kYear = "/\"(19|20)[0-9]{2}\"/";
constexpr string_view kYearInBrackets = "/\\[(19|20)[0-9]{2}\\]/";

// A column of the workspace: what is true of its name in every table that has it.
struct Column {
  std::set<ColumnType> types;
  std::set<string> values;
  bool values_known = true;
  int tables = 0;
};

// Texts of one workspace that are listed one by one; columns beyond it take any text.
constexpr size_t kMaxValueBytes = 1 << 16;

std::map<string, Column> columns_of(const Names& names) {
  std::map<string, Column> columns;
  for (const FileNames& file : names.files) {
    if (!file.is_table) continue;
    for (const ColumnNames& from : file.columns) {
      Column& column = columns[from.name];
      column.types.insert(from.type);
      column.tables += 1;
      if (from.type != ColumnType::text) continue;
      if (from.values.empty()) column.values_known = false;
      column.values.insert(from.values.begin(), from.values.end());
    }
  }
  size_t bytes = 0;
  for (auto& [name, column] : columns) {
    size_t own = 0;
    for (const string& value : column.values) own += value.size() + 3;
    if (bytes + own > kMaxValueBytes) column.values_known = false;
    if (column.values_known) bytes += own;
  }
  return columns;
}

// Terminals for the values of columns whose values are all known: V0X is as a script spells them
// with quotes, P0X as a plan spells them. `quoted` and `plain` give their names by column.
struct ValueTerminals {
  std::map<string, string> quoted;
  std::map<string, string> plain;
};

ValueTerminals add_values(const Names& names, string& out) {
  ValueTerminals terminals;
  int i = 0;
  for (const auto& [name, column] : columns_of(names)) {
    if (!column.types.count(ColumnType::text) || !column.values_known || column.values.empty())
      continue;
    string number = std::to_string(i++) + "X";
    std::set<string> plain;
    bool same = true;
    for (const string& value : column.values) {
      if (!value.empty() && base::is_utf8(value) && !has_control(value)) plain.insert(value);
      same = same && plain.count(value) && lua_quoted(value).size() == value.size() + 2;
    }
    if (!plain.empty()) {
      terminals.plain[name] = "P" + number;
      out += "P" + number + ": " + any_of(plain) + "\n";
    }
    terminals.quoted[name] = "V" + number;
    out += "V" + number + ": " +
           (same ? "\"\\\"\" P" + number + " \"\\\"\"" : any_of(quoted(column.values))) + "\n";
  }
  return terminals;
}

// Appends the rules of scripts over one set of columns; every rule and terminal that depends on the
// columns carries `mark`. Needs kCommon.
class ScriptRules {
 public:
  ScriptRules(const Names& names, const ValueTerminals& values, string mark, bool with_file_columns,
              string& out)
      : names_(names),
        values_(values.quoted),
        plain_values_(values.plain),
        mark_(std::move(mark)),
        out_(out),
        with_file_columns_(with_file_columns) {
    for (const FileNames& file : names.files) {
      files_.insert(file.path);
      if (file.is_table) tables_.insert(file.path);
    }
    columns_ = columns_of(names);
    if (with_file_columns) {
      for (const char* name : {"file", "name", "ext", "hash", "text"}) add(name, ColumnType::text);
      for (const char* name : {"bytes", "lines", "words", "line"}) add(name, ColumnType::number);
    }
    std::map<string, Column> clashing;
    for (const auto& [name, column] : columns_)
      if (column.tables > 1) clashing[name + "_2"] = column;
    for (const auto& [name, column] : clashing)
      if (auto it = values_.find(name.substr(0, name.size() - 2));
          it != values_.end() && !columns_.count(name))
        values_[name] = it->second;
    columns_.merge(clashing);
  }

  void write() {
    terminals();
    wheres();
    chains();
    statements();
  }

 private:
  void add(const string& name, ColumnType type) {
    Column& column = columns_[name];
    column.types.insert(type);
    column.tables += 1;
    column.values_known = false;
  }

  // `name` with our mark; upper case makes a terminal.
  string r(string_view name) const { return string(name) + mark_; }
  string T(string_view name) const {
    string out = string(name) + mark_;
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return std::toupper(c); });
    return out;
  }
  void rule(const string& head, const string& body) { out_ += head + ": " + body + "\n"; }

  std::set<string> of_type(std::initializer_list<ColumnType> types) const {
    std::set<string> out;
    for (const auto& [name, column] : columns_)
      for (ColumnType type : types)
        if (column.types.count(type)) out.insert(name);
    return out;
  }

  // A file is joined by a key that it and another one have.
  void joins(std::vector<string>& methods) {
    for (const FileNames& file : names_.files) {
      if (!file.is_table) continue;
      const std::set<string> keys = join_keys(names_, file);
      if (keys.empty()) continue;
      const string terminal = T("KEYS" + std::to_string(keyed_.size()) + "X");
      keyed_.insert(file.path);
      rule(terminal, any_of(keys));
      methods.push_back(lark_quoted(":join(data.read(" + lua_quoted(file.path) + "), ") + " " +
                        terminal + " KIND? \")\"");
    }
  }

  void terminals() {
    std::set<string> all = new_names();
    for (const auto& entry : columns_) all.insert(entry.first);
    const string year = " | " + string(kYear);
    rule(T("COL"), any_of(quoted(all)) + year);
    std::set<string> numbers = of_type({ColumnType::number});
    numbers.merge(new_numbers());
    rule(T("NCOL"), any_of(quoted(numbers)) + year);
    std::set<string> ordered = of_type({ColumnType::number, ColumnType::date});
    ordered.merge(new_numbers());
    ordered.insert({"month", "quarter", "week", "day"});
    rule(T("OCOL"), any_of(quoted(ordered)) + year);
    std::set<string> dates = of_type({ColumnType::date});
    if (with_file_columns_) dates.insert("text");
    has_dates_ = !dates.empty();
    if (has_dates_) rule(T("DCOL"), any_of(quoted(dates)));
    std::set<string> months = of_type({ColumnType::date, ColumnType::number});
    months.insert("month");
    rule(T("MCOL"), any_of(quoted(months)));
    rule(T("NEW"), any_of(quoted(new_names())));
    rule(T("BCOL"), any_of(bracketed(numbers)) + " | " + string(kYearInBrackets));
    // days(from, to) needs two dates.
    between_dates_ = bracketed(of_type({ColumnType::date})).size() > 1;
    if (between_dates_) rule(T("BDATE"), any_of(bracketed(of_type({ColumnType::date}))));
    if (!tables_.empty()) rule(T("TABLE"), any_of(quoted(tables_)));
    if (!files_.empty()) rule(T("FILE"), any_of(quoted(files_)));
  }

  // As an expression of derive names them.
  static std::set<string> bracketed(const std::set<string>& names) {
    std::set<string> out;
    for (const string& name : names) {
      if (name.find(']') != string::npos) continue;
      out.insert("[" + unquoted(lua_quoted(name)) + "]");
    }
    return out;
  }

  // `where`, by what is known of the column.
  void wheres() {
    std::vector<string> forms;
    auto form = [&](const string& columns, string_view op, string_view value) {
      forms.push_back(columns + " \", \" " + string(op) + " \", \" " + string(value));
    };
    auto named = [&](const string& name) { return lark_quoted(lua_quoted(name)); };
    std::set<string> numbers = of_type({ColumnType::number}), dates = of_type({ColumnType::date}),
                     booleans = of_type({ColumnType::boolean}), free_texts, known_texts;
    for (const string& name : of_type({ColumnType::text}))
      (columns_[name].values_known && values_.count(name) ? known_texts : free_texts).insert(name);
    std::set<string> made_numbers = new_numbers();
    for (const auto& entry : columns_) made_numbers.erase(entry.first);
    numbers.merge(made_numbers);
    std::set<string> made_texts = {"file", "series", "value"};
    for (const auto& entry : columns_) made_texts.erase(entry.first);
    free_texts.merge(made_texts);

    if (!numbers.empty()) {
      rule(T("WNUM"), any_of(quoted(numbers)));
      form(T("WNUM"), "CMP", "NUM");
    }
    if (!dates.empty()) {
      rule(T("WDATE"), any_of(quoted(dates)));
      form(T("WDATE"), "CMP", "DATE");
    }
    if (!booleans.empty()) {
      rule(T("WBOOL"), any_of(quoted(booleans)));
      form(T("WBOOL"), "SAME", "BOOL");
    }
    if (!free_texts.empty()) {
      rule(T("WTEXT"), any_of(quoted(free_texts)));
      form(T("WTEXT"), "(SAME | \"\\\"contains\\\"\")", "STR");
    }
    if (!known_texts.empty()) {
      rule(T("WKNOWN"), any_of(quoted(known_texts)));
      form(T("WKNOWN"), "\"\\\"contains\\\"\"", "STR");
      for (const string& name : known_texts) form(named(name), "SAME", values_[name]);
    }
    if (!columns_.count("month")) form(named("month"), "CMP", "MONTHQ");
    if (!columns_.count("quarter")) form(named("quarter"), "CMP", "QUARTERQ");
    if (!columns_.count("weekday")) form(named("weekday"), "SAME", "WEEKDAYQ");
    if (!columns_.count("month_name")) form(named("month_name"), "SAME", "MONTHNAMEQ");
    rule(r("where"), "\":where(\" (" + joined(forms, "\n  | ") + ") \")\"");
  }

  // A row counts 100 or 0: the mean is the percentage of rows of which it is true.
  void flags() {
    std::vector<string> forms = {T("BCOL") + " COMPARED PNUM"};
    for (const auto& [name, column] : columns_) {
      if (name.find_first_of("]\"\\") != string::npos || has_control(name)) continue;
      const bool simple =
          std::all_of(column.values.begin(), column.values.end(),
                      [](const auto& v) { return v.find_first_of("'\"\\") == string::npos; });
      if (column.types.count(ColumnType::boolean)) forms.push_back(lark_quoted("[" + name + "]"));
      if (!column.types.count(ColumnType::text)) continue;
      const auto known = plain_values_.find(name);
      const bool listed = column.values_known && known != plain_values_.end();
      if (listed && !simple) continue;
      forms.push_back(lark_quoted("[" + name + "]") + " \" == '\" " +
                      (listed ? known->second : "INQUOTES") + " \"'\"");
    }
    rule(r("flag"), joined(forms, "\n  | "));
  }

  void chains() {
    const string col = T("COL"), ncol = T("NCOL"), ocol = T("OCOL");
    const string cols = col + " (\", \" " + col + "){0,11}";
    const string group_cols = col + " (\", \" " + col + "){0,3}";
    auto list = [](const string& c) { return c + " (\", \" " + c + "){0,7}"; };
    rule(r("agg"), "\":count()\" | (\":sum(\" | \":mean(\" | \":median(\") " + list(ncol) +
                       " \")\" | (\":min(\" | \":max(\") " + list(ocol) + " \")\"");
    rule(r("dexpr"),
         r("dterm") + " ((\" + \" | \" - \" | \" * \" | \" / \") " + r("dterm") + "){0,5}");
    rule(r("dterm"), T("BCOL") + " | PNUM | \"(\" " + r("dpair") + " \")\"");
    rule(r("dpair"), "(" + T("BCOL") + " | PNUM) ((\" + \" | \" - \" | \" * \" | \" / \") (" +
                         T("BCOL") + " | PNUM)){1,3}");
    // A column of years and one of months as one of "2014-03".
    rule(r("mexpr"), "\"concat(\" " + T("BCOL") + " \", '-', right(concat('0', \" " + T("BCOL") +
                         " \"), 2))\"");
    string expression = r("dexpr") + " | " + r("mexpr");
    if (between_dates_) {
      rule(r("between"), "\"days(\" " + T("BDATE") + " \", \" " + T("BDATE") + " \")\"");
      expression += " | " + r("between");
    }
    flags();
    expression += " | \"if(\" " + r("flag") + " \", 100, 0)\"";
    std::vector<string> summaries;
    for (const GroupSummary& summary : kGroupSummaries) {
      using Of = GroupSummary::Of;
      const string name(summary.name), how = lua_quoted(summary.how);
      const string of = summary.of == Of::numbers ? ncol : summary.of == Of::ordered ? ocol : col;
      const string text = summary.of == Of::rows
                              ? lark_quoted(name + "=" + how)
                              : lark_quoted(name + "={" + how + ", ") + " " + of + " \"}\"";
      if (summary.of == Of::texts)
        rule(r("listed"), text);
      else
        summaries.push_back(text);
    }
    summaries.push_back(r("listed"));
    rule(r("summary"), joined(summaries, "\n  | "));
    rule(r("over"), "(\", by=\" " + col + ")? (\", order=\" " + col + ")?");
    std::vector<string> methods = {
        r("where"),
        "\":known(\" " + col + " \")\"",
        "\":group(\" " + group_cols + " \")\" " + r("agg"),
        "(\":top(\" | \":bottom(\") INT \", \" " + ocol + " (\", \" " + col + ")? \")\"",
        "\":sort(\" " + col + " (\", \\\"desc\\\"\")? \")\"",
        "\":head(\" INT \")\"",
        "\":select(\" " + cols + " \")\"",
        "\":rename(\" " + col + " \", \" " + T("NEW") + " \")\"",
        "\":unique(\" " + col + " \")\"",
        "\":derive(\" " + T("NEW") + " \", \\\"\" " + "(" + expression + ") \"\\\")\"",
        "\":month_name(\" " + T("MCOL") + " \")\"",
        "\":share(\" " + ncol + " \")\"",
        "\":group(\" " + group_cols + " \", {\" (" + r("listed") + " | " + r("summary") +
            " (\", \" " + r("summary") + "){1,5}) \"})\"",
        "\":pivot(\" " + col + " \", \" " + col + " \", \" " + col + " \", \" SUMMARY \")\"",
        "\":unpivot({\" " + ncol + " (\", \" " + ncol + "){1,15} UNFOLDED",
        "\":window(\\\"running_total\\\", \\\"cumulative_sum\\\", {column=\" " + ncol + " " +
            r("over") + " \"})\"",
        "\":window(\\\"moving_average\\\", \\\"moving_average\\\", {column=\" " + ncol + " " +
            r("over") + " \", n=\" INT \"})\"",
        "\":window(\\\"previous\\\", \\\"lag\\\", {column=\" " + ncol + " " + r("over") + " \"})\"",
        "\":window(\\\"rank\\\", \\\"rank\\\", {\" (\"by=\" " + col + " \", \")? \"order=\" " +
            ocol + " (\", desc=true\")? \"})\"",
    };
    const string on =
        " \", \" (" + col + " | \"{[\" " + col + " \"]=\" " + col + " \"}\") KIND? \")\"";
    // A file joined or united with itself is never what was asked; with a group of it may be.
    const bool several = tables_.size() > 1;
    if (several) {
      methods.push_back("\":join(\" " + r("other") + "::_" + on);
      joins(methods);
    } else {
      for (int i = 0; i < 4; ++i)
        methods.push_back("\":join(" + string(1, "tabr"[i]) + "\"" + on + " %if bit_set(" +
                          std::to_string(i) + ")");
    }
    if (has_dates_)
      methods.push_back(
          "(\":year(\" | \":month(\" | \":quarter(\" | \":weekday(\" | \":week(\" | \":day(\" | "
          "\":hour(\") " +
          T("DCOL") + " \")\"");
    rule(r("method") + "::_", joined(methods, "\n  | "));
    string table_source = "\"data.read(\" " + T("TABLE") + " \")\"";
    if (several)
      table_source +=
          " | \"data.union(\" " + T("TABLE") + " (\", \" " + T("TABLE") + "){1,15} \")\"";
    string file_source = "\"data.files(\" STR \")\"";
    if (!files_.empty()) file_source += " | \"data.lines(\" " + T("FILE") + " \")\"";
    const string variable =
        "\"t\" %if bit_set(0)\n  | \"a\" %if bit_set(1)\n  | \"b\" %if bit_set(2)\n  | \"r\" %if "
        "bit_set(3)";
    string sources;
    if (!tables_.empty()) sources = table_source;
    if (with_file_columns_) sources += (sources.empty() ? "" : " | ") + file_source;
    has_sources_ = !sources.empty();
    if (several) {
      std::set<string> any;  // tables of which no key is known
      for (const string& table : tables_)
        if (!keyed_.count(table)) any.insert(table);
      if (!any.empty()) rule(T("ANYTABLE"), any_of(quoted(any)));
      rule(r("other") + "::_",
           variable + (any.empty() ? "" : "\n  | \"data.read(\" " + T("ANYTABLE") + " \")\""));
    }
    rule(r("base") + "::_", variable + (sources.empty() ? "" : "\n  | " + sources));
    rule(r("filesource"), file_source);
    rule(r("methods") + "::_", r("method") + "::_{0,10}");
    rule(r("tab") + "::_", r("base") + "::_ " + r("methods") + "::_");
    rule(r("scalarend"), "\":count()\" | (\":sum(\" | \":mean(\" | \":median(\") " + ncol +
                             " \")\" | (\":min(\" | \":max(\") " + ocol +
                             " \")\" | (\":distinct(\" | \":value(\" | \":missing(\") " + col +
                             " \")\"");
    string scalar =
        "\"t\" %if bit_set(4)\n  | \"a\" %if bit_set(5)\n  | \"b\" %if bit_set(6)\n  | \"r\" %if "
        "bit_set(7)\n  | " +
        r("tab") + "::_ " + r("scalarend") +
        "\n  | \"#t\" %if bit_set(0)\n  | \"#a\" %if bit_set(1)\n  | \"#b\" %if bit_set(2)\n  | "
        "\"#r\" %if bit_set(3)";
    rule(r("scalar") + "::_", scalar);
    const string first = r("first") + "::_", operand = r("operand") + "::_";
    rule(r("number") + "::_", first + "\n  | " + first + " OPERATOR " + operand + "\n  | " + first +
                                  " OPERATOR " + operand + " OPERATOR " + operand);
    rule(first,
         r("scalar") + "::_\n  | \"(\" " + r("scalar") + "::_ OPERATOR " + operand + " \")\"");
    rule(operand, first + " | PNUM");
  }

  void statements() {
    const string col = T("COL"), ncol = T("NCOL");
    // What stands on the y axis is a number in every chart.
    const string ys = "(" + ncol + " | \"{\" " + ncol + " (\", \" " + ncol + "){1,7} \"}\")";
    const string end = "(\", title=\" TITLE)? (\", save=\" PNG)? \"})\"";
    const string tab = r("tab") + "::_";
    rule(r("chart") + "::_", "(\"chart.bar(\" | \"chart.area(\") " + tab + " \", {x=\" " + col +
                                 " \", y=\" " + ys + " (\", color=\" " + col + ")? STACK? " + end +
                                 "\n  | (\"chart.line(\" | \"chart.scatter(\" | \"chart.box(\") " +
                                 tab + " \", {x=\" " + col + " \", y=\" " + ys + " (\", color=\" " +
                                 col + ")? " + end + "\n  | \"chart.heatmap(\" " + tab +
                                 " \", {x=\" " + col + " \", y=\" " + col + " \", color=\" " +
                                 ncol + " " + end + "\n  | \"chart.pie(\" " + tab + " \", {x=\" " +
                                 col + " \", y=\" " + ncol + " " + end + "\n  | \"chart.hist(\" " +
                                 tab + " \", {x=\" " + ncol + " (\", bins=\" INT)? " + end);
    string item = tab + " | " + r("number") + "::_ | STR";
    if (!files_.empty()) item += " | \"read_text(\" " + T("FILE") + " \")\"";
    rule(r("item") + "::_", item);
    rule(r("items") + "::_",
         r("item") + "::_\n  | " + r("items") + "::_ \", \" " + r("item") + "::_");
    // A text made of what was computed: a Markdown file or a page.
    rule(r("text") + "::_", "STR | \"table.concat({\" " + r("part") + "::_ (\", \" " + r("part") +
                                "::_){1,23} \"})\"");
    rule(r("part") + "::_",
         "STR | " + r("number") + "::_ | \"tostring(\" " + r("tab") + "::_ \")\"");
    rule(r("written") + "::_", "\"files.write(\" WRITTEN \", \" " + r("text") +
                                   "::_ \")\"\n  | \"report.markdown(\" " + r("text") +
                                   "::_ \", \" PAGE \")\"");
    rule(r("show") + "::_", r("chart") + "::_\n  | \"print(\" (" + r("items") + "::_ | " +
                                r("written") + "::_) \")\"\n  | " + tab +
                                " (\":save(\" SAVED | \":to_xlsx(\" XLSX) \")\"");
    string s = r("show") + "::_\n  | " + r("show") + "::_ " + r("next") + "::_";
    const char* variables = "tabr";
    for (int i = 0; i < 4; ++i) {
      string name(1, variables[i]);
      string head = "\n  | \"" + name + " = \" ";
      s += head + tab + " " + r("next") + "::set_bit(" + std::to_string(i) + ") %if lt([8:11], 7)";
      string scalar = r("number") + "::_";
      if (!files_.empty()) scalar = "(" + scalar + " | \"read_text(\" " + T("FILE") + " \")\")";
      s += head + scalar + " " + r("next") + "::set_bit(" + std::to_string(i + 4) +
           ") %if lt([8:11], 7)";
    }
    rule(r("script") + "::_", s);
    // The engine (1.9.1) panics on an alternative that is nothing but a rule with a changed
    // parameter.
    rule(r("next") + "::_", "\"\\n\" " + r("script") + "::incr([8:11]) %if lt([8:11], 7)");
  }

  const Names& names_;
  std::map<string, Column> columns_;
  std::map<string, string> values_, plain_values_;
  std::set<string> files_, tables_, keyed_;
  string mark_;
  string& out_;
  bool with_file_columns_;
  bool has_dates_ = false;
  bool between_dates_ = false;
  bool has_sources_ = false;
};

// Rules of whole scripts; the script itself is the rule `script`.
ValueTerminals add_script(const Names& names, string& out) {
  ValueTerminals values = add_values(names, out);
  out += kCommon;
  for (const Saving& saving : kSavings)
    out += string(saving.terminal) + R"(: /"([A-Za-z0-9_-]{1,40}\/)?[A-Za-z0-9_-]{1,60}\.()" +
           string(saving.extensions) + ")\"/\n";
  out += "OPERATOR: \" + \" | \" - \" | \" * \" | \" / \"\n";
  ScriptRules(names, values, "m", false, out).write();
  ScriptRules(names, values, "f", true, out).write();
  // Over files and lines only when that is where the script begins.
  out += "filestart: filesourcef methodsf::0\n";
  out +=
      "fileshow: \"print(\" filestart scalarendf? (\", \" itemf::0){0,3} \")\" | filestart "
      "\":save(\" SAVED \")\"\n";
  out += "filescript: fileshow | fileshow \"\\n\" scriptf::0x100\n";
  for (int i = 0; i < 4; ++i) {
    string head = string("  | \"") + "tabr"[i] + " = \" filestart ";
    out += head + "\"\\n\" scriptf::" + std::to_string(0x100 + (1 << i)) + "\n";
    out += head + "scalarendf \"\\n\" scriptf::" + std::to_string(0x100 + (16 << i)) + "\n";
  }
  out += "script: mainscript | filescript | planscript\nmainscript: scriptm::0\n";
  add_plan_script(names, out);
  return values;
}

// Texts that a link may aim at, besides none and outside.
std::set<string> targets_of(const Names& names) {
  std::set<string> targets = {"rows"};
  auto insert = [&](const string& text) {
    if (!text.empty() && base::is_utf8(text) && !has_control(text) && text != "none" &&
        text != "outside")
      targets.insert(text);
  };
  for (const FileNames& file : names.files) insert(file.path);
  for (const auto& [name, column] : columns_of(names)) {
    insert(name);
  }
  // A target that reads like another one with more after it would take that one's links away.
  std::set<string> clear;
  for (const string& target : targets) {
    bool hides = false;
    for (size_t at = target.find("; "); at != string::npos && !hides;
         at = target.find("; ", at + 1))
      hides = targets.count(target.substr(0, at)) > 0 || target.substr(0, at) == "none" ||
              target.substr(0, at) == "outside";
    if (!hides) clear.insert(target);
  }
  return clear;
}

// Filters: a column and a value of it.
void add_filters(const Names& names, const ValueTerminals& values, string& out,
                 std::vector<string>& forms) {
  std::set<string> texts, numbers, dates;
  for (const auto& [name, column] : columns_of(names)) {
    if (name.empty() || !base::is_utf8(name) || has_control(name)) continue;
    auto known = values.plain.find(name);
    if (known != values.plain.end()) forms.push_back(lark_quoted(name + ":") + " " + known->second);
    if (column.types.count(ColumnType::text) && !column.values_known) texts.insert(name + ":");
    if (column.types.count(ColumnType::number)) numbers.insert(name + ":");
    if (column.types.count(ColumnType::date)) dates.insert(name + ":");
    if (column.types.count(ColumnType::boolean)) texts.insert(name + ":");
  }
  if (!texts.empty()) {
    out += "PTEXT: (" + any_of(texts) + ") /[^;=\\x00-\\x1F\\x7F]{1,60}/\n";
    forms.push_back("PTEXT");
  }
  if (!numbers.empty()) {
    out += "PNUMBER: (" + any_of(numbers) + ") /-?[0-9]{1,12}(\\.[0-9]{1,8})?/\n";
    forms.push_back("PNUMBER");
  }
  if (!dates.empty()) {
    out += "PDATE: (" + any_of(dates) + ") /[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?/\n";
    forms.push_back("PDATE");
  }
}

string call(string_view name, const string& arguments) {
  return string(kCallBegin) + " \"call:" + string(name) + "{" + arguments + " \"}\" " +
         string(kCallEnd) + " " + string(kAfterCall);
}

ValueTerminals add_calls(const Names& names, string& out) {
  ValueTerminals values = add_script(names, out);
  out += "REASON: /[^\\x00-\\x1F\\x7F]{1,240}/\n";
  out +=
      "lua: " + call("run_lua", "code:\" " + string(kQuote) + " script " + string(kQuote)) + "\n";
  out +=
      "decline: " + call("decline", "reason:\" " + string(kQuote) + " REASON " + string(kQuote)) +
      "\n";
  return values;
}

// First and last year of a column's dates, or of numbers that can be years.
std::pair<int, int> years_of(const nlohmann::json& column) {
  const auto year = [&](const char* end) {
    const nlohmann::json value = column.value(end, nlohmann::json());
    if (value.is_string() && value.get_ref<const string&>().size() >= 4)
      return std::atoi(value.get_ref<const string&>().substr(0, 4).c_str());
    return value.is_number() ? static_cast<int>(value.get<double>()) : 0;
  };
  const string type = column.value("type", "");
  if (type != "date" && type != "number") return {};
  const int first = year("min"), last = year("max");
  constexpr int kFirst = 1500, kLast = 2200;
  return first >= kFirst && last <= kLast && first <= last ? std::pair{first, last}
                                                           : std::pair{0, 0};
}

}  // namespace

ColumnType column_type(string_view name) {
  if (name == "number") return ColumnType::number;
  if (name == "date") return ColumnType::date;
  if (name == "boolean") return ColumnType::boolean;
  if (name == "empty") return ColumnType::empty;
  return ColumnType::text;
}

ColumnNames column_names(const nlohmann::json& column) {
  ColumnNames names{.name = column.at("name").get<string>(),
                    .type = column_type(column.value("type", "text"))};
  std::tie(names.first_year, names.last_year) = years_of(column);
  // The values are complete when there are as many as distinct ones.
  if (column.contains("values") && column["values"].is_array() &&
      column["values"].size() == column.value("distinct", size_t{0}))
    for (const nlohmann::json& value : column["values"])
      if (value.is_string()) names.values.push_back(value.get<string>());
  return names;
}

string script_grammar(const Names& names) {
  string out = "start: script " + string(kTurnEnd) + "\n";
  add_script(names, out);
  return out;
}

string first_reply_grammar(const Names& names) {
  string out = "start: good lookup | doubtful decline\n";
  out += "good: sound (\"; \" sound){0,11}\n";
  out += "doubtful: (sound \"; \"){0,11} unsound (\"; \" (sound | unsound)){0,11}\n";
  out += "PHRASE: /[^ =;A-Z\\x00-\\x1F\\x7F]+( [^ =;A-Z\\x00-\\x1F\\x7F]+){0,5}/\n";
  out += "sound: PHRASE \"=\" target\n";
  out += "unsound: PHRASE \"=\" (\"none\" | \"outside\")\n";
  std::vector<string> forms = {"TARGET"};
  out += "TARGET: " + any_of(targets_of(names)) + "\n";
  add_filters(names, add_calls(names, out), out, forms);
  out += "target: " + joined(forms, " | ") + "\n";
  std::set<string> files;
  for (const FileNames& file : names.files)
    if (base::is_utf8(file.path)) files.insert(file.path);
  string lookups = "lua | listing";
  out += "listing: " + call("list_files", "\"") + "\n";
  if (!files.empty()) {
    lookups += " | reading | profiling";
    out += "PATH: " + any_of(files) + "\n";
    out +=
        "reading: " + call("read_file", "path:\" " + string(kQuote) + " PATH " + string(kQuote)) +
        "\n";
    out +=
        "profiling: " + call("profile", "path:\" " + string(kQuote) + " PATH " + string(kQuote)) +
        "\n";
  }
  out += "lookup: " + lookups + "\n";
  return out;
}

string same_plan_grammar(const Names& names, const string& plan) {
  string out = "start: " + lark_quoted(plan) + " lua\n";
  add_calls(names, out);
  return out;
}

string next_reply_grammar(const Names& names) {
  string out = "start: lua | decline\n";
  add_calls(names, out);
  return out;
}

}  // namespace agent
