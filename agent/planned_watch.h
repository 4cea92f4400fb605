#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/script_columns.h"
#include "agent/script_grammar.h"
#include "model/reply_watch.h"

namespace agent {

/// Of the replies of the planned loop (planned_loop.cpp): a plan links what is a column or a value
/// by its very name to that, and does not say that it or a year is missing which is there; a script
/// names only columns that its tables have where they are named, and a plan of renaming takes only
/// parts of names that its pattern keeps ({2} needs two wildcards).
class PlannedWatch : public model::ReplyWatch {
 public:
  explicit PlannedWatch(const Names& names);

  bool allows(std::string_view reply) const override;
  std::vector<std::string> continuations(std::string_view reply) const override;

 private:
  bool has_year(std::string_view phrase) const;

  ScriptColumns columns_;
  /// By phrase, in lower case, what it is the only name of; "" where it names several things.
  std::map<std::string, std::string, std::less<>> meant_;
  std::set<std::string> files_;
  std::vector<std::pair<int, int>> years_;  ///< first and last, of columns of dates
};

}  // namespace agent
