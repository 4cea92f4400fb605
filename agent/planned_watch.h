#pragma once

#include <map>
#include <optional>
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
/// parts of names that its pattern keeps ({2} needs two wildcards). Where the request names new
/// files, one of those is saved.
class PlannedWatch : public model::ReplyWatch {
 public:
  /// new_files: those that the request names and that are not there (mentions.h).
  explicit PlannedWatch(const Names& names, std::vector<std::string> new_files = {});

  bool allows(std::string_view reply) const override;
  std::vector<std::string> continuations(std::string_view reply) const override;

 private:
  bool has_year(std::string_view phrase) const;
  /// What can follow a script that is naming a file it saves, or nothing if it names another than
  /// the request; null where it names none now, or the request none of that kind.
  std::optional<std::vector<std::string>> rest_of_name(std::string_view script) const;

  ScriptColumns columns_;
  /// By phrase, in lower case, what it is the only name of; "" where it names several things.
  std::map<std::string, std::string, std::less<>> meant_;
  std::set<std::string> files_;
  std::vector<std::string> new_files_;
  std::vector<std::pair<int, int>> years_;  ///< first and last, of columns of dates
};

}  // namespace agent
