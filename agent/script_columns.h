#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/script_grammar.h"

/// Which columns a table has at each place of a script: what script_grammar.h cannot say, as its
/// rules do not remember what a group, a selection or a pivot left of a table. Follows
/// tools/data/FORMAT.md; where it cannot tell, every name is let through and the run says what is
/// wrong.
namespace agent {

/// The end of a beginning of a script.
struct ScriptEnd {
  /// A name is complete that its table does not have there, or of a type that cannot stand there.
  bool wrong = false;
  /// What a name there, or one of which only the beginning is written, can go on with, quotes or
  /// brackets included; empty: no name is due, or not known.
  std::vector<std::string> rest = {};
  /// A name has begun that none of the possible ones begins with.
  bool astray = false;
};

class ScriptColumns {
 public:
  explicit ScriptColumns(const Names& names);

  /// `script`: a beginning of what the rules of script_grammar.h spell.
  ScriptEnd end_of(std::string_view script) const;

  struct Column {
    std::string quoted;  ///< as Lua reads it
    /// Unknown types fit everywhere.
    enum class Kind : uint8_t { unknown, number, date, other } kind = Kind::unknown;
    /// What its cells hold, as names of columns that a pivot makes of them; empty: not known.
    std::vector<std::string> values = {};
  };
  struct Columns {
    std::vector<Column> columns = {};
    bool open = false;  ///< there may be others
    /// A column with another value in each row, by which nothing is grouped; empty: none is known.
    std::string name_of_rows = {};

    const Column* find(std::string_view quoted) const;
    /// In place of one of the same name, else at the end.
    void put(Column column);
    /// At the end, as name_2 where there is one of the name.
    void add(Column column);
  };

 private:
  std::map<std::string, Columns, std::less<>> tables_;  // by path as Lua reads it
};

}  // namespace agent
