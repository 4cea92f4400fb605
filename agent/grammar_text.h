#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Pieces of grammar texts that script_grammar.cpp and its neighbours put together, and of plans
/// and scripts that others take apart; lua_quoted() and lark_quoted() are declared in
/// script_grammar.h.
namespace agent {

bool has_control(std::string_view text);
std::string joined(const std::vector<std::string>& parts, std::string_view between);

/// Literal texts as the body of one terminal; no duplicates, in a fixed order.
std::string any_of(const std::set<std::string>& texts);

/// Each as Lua reads it between double quotes.
std::set<std::string> quoted(const std::set<std::string>& names);

/// What lua_quoted() gave, without its quotes.
std::string unquoted(std::string_view quoted);

/// A part of a plan: "phrase=target".
struct PlanLink {
  std::string_view phrase;
  std::string_view target;  ///< empty until there is a "="
};
/// The parts of `plan`, between "; "; the last one may be only begun. Never empty.
std::vector<PlanLink> plan_links(std::string_view plan);

/// New names as scripts give them: match="a_*.csv", to="b_{1}.csv", or by regex="…".
struct Renaming {
  std::string_view pattern;
  std::string_view to;  ///< up to its quote, or to the end of the script
  bool regex;
};
std::vector<Renaming> renamings(std::string_view script);

/// A summary of a group as scripts write it: name={"how", "column"}.
struct GroupSummary {
  enum class Of : uint8_t { rows, numbers, ordered, any, texts };
  std::string_view name, how;
  /// The columns that it can be made of; of rows it needs none: name="how". `any` gives a number,
  /// `texts` joins what is in any column.
  Of of;
};
inline constexpr std::array<GroupSummary, 8> kGroupSummaries = {{
    {"count", "count", GroupSummary::Of::rows},
    {"total", "sum", GroupSummary::Of::numbers},
    {"average", "mean", GroupSummary::Of::numbers},
    {"median", "median", GroupSummary::Of::numbers},
    {"lowest", "min", GroupSummary::Of::ordered},
    {"highest", "max", GroupSummary::Of::ordered},
    {"distinct", "distinct", GroupSummary::Of::any},
    {"list", "list", GroupSummary::Of::texts},
}};

/// A call by which scripts make a file, and the terminal of its quoted name in grammars.
struct Saving {
  std::string_view call, terminal;
  std::string_view extensions;  ///< "csv|json"
};
inline constexpr std::array<Saving, 3> kSavings = {{
    {":save(", "SAVED", "csv|json|txt"},
    {":to_xlsx(", "XLSX", "xlsx"},
    {"files.write(", "WRITTEN", "md|txt"},
}};

}  // namespace agent
