#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

/// The grammars of our replies, as texts in llguidance's Lark dialect (see
/// model/grammar/grammar.h). Special tokens are written by their ids in Gemma's vocabulary, which
/// Gemma 3 and Gemma 4 share.
namespace agent {

enum class ColumnType { text, number, date, boolean, empty };

struct ColumnNames {
  std::string name;
  ColumnType type = ColumnType::text;
  /// The distinct texts of a text column, when all of them are known; else empty.
  std::vector<std::string> values = {};
  /// Between which its dates lie, or its numbers where all of them can be years; 0: neither.
  int first_year = 0, last_year = 0;
};

struct FileNames {
  std::string path;
  bool is_table = false;
  std::vector<ColumnNames> columns = {};
};

/// What exists in the workspace: the only files, columns and values that a reply can name.
struct Names {
  std::vector<FileNames> files = {};
};

/// A column whose type is found by its name, as read from a profile: "text", "number", "date",
/// "boolean".
ColumnType column_type(std::string_view name);

/// A column as its profile describes it (tools/data/profile.h): an object with a name.
ColumnNames column_names(const nlohmann::json& column);

/// The first reply to a request: the plan, then `decline` when a link of the plan is none or
/// outside, else one call of run_lua, read_file, list_files or profile; ends with 50 or 106.
std::string first_reply_grammar(const Names& names);

/// Another script for a plan that was made before: the plan as it is, then a call of run_lua; ends
/// with 50 or 106.
std::string same_plan_grammar(const Names& names, const std::string& plan);

/// The reply after an observation that is an error: a call of run_lua or of decline; ends with 50
/// or 106.
std::string next_reply_grammar(const Names& names);

/// A script alone, without the call around it: for tests and for checking recorded scripts. Ends
/// with 106.
std::string script_grammar(const Names& names);

/// What an answer may spell with digits.
struct AnswerWords {
  std::vector<std::string> numbers =
      {};  ///< as they stand in observations and the request, or rounded
  std::vector<std::string> words = {};  ///< names with digits: "chart-2.png", "2014-08-11", "Q1"
};

/// The final answer: plain text of a few lines at most, ended by 106. A digit occurs only as part
/// of one of `words`, and a number (with its sign, if any) stands alone: "3.5" is not made of "3"
/// and "5".
std::string answer_grammar(const AnswerWords& allowed);

struct CallOptions {
  bool text_allowed = false;  ///< the reply may also be plain text ended by 106
  int max_calls = 1;
};

/// Calls of any of `tools`, an array of {name, parameters: JSON Schema}: arguments in Gemma's
/// syntax, keys in sorted order, required ones present. Of a schema: type (or a list of types),
/// enum, const, properties, required, items, minItems, maxItems, anyOf, oneOf, nullable; what else
/// it says is not enforced, and a value without a known type may be any value. Errors: usage (not
/// such an array, no tool).
base::Result<std::string> call_grammar(const nlohmann::json& tools,
                                       const CallOptions& options = {});

/// `text` between double quotes as Lua reads it, in our one spelling: control characters and bytes
/// that are not UTF-8 as escapes, everything else as it is.
std::string lua_quoted(std::string_view text);

/// `text` as a string literal of a Lark grammar; `text` is valid UTF-8.
std::string lark_quoted(std::string_view text);

}  // namespace agent
