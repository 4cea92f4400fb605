#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/script_columns.h"
#include "agent/script_grammar.h"
#include "model/reply_watch.h"

namespace agent {

/// Of the replies of the planned loop (planned_loop.cpp): a plan does not say that something is
/// missing which is there by its very name, and a script names only columns that its tables have
/// where they are named.
class PlannedWatch : public model::ReplyWatch {
 public:
  explicit PlannedWatch(const Names& names);

  bool allows(std::string_view reply) const override;
  std::vector<std::string> continuations(std::string_view reply) const override;

 private:
  bool is_there(std::string_view phrase) const;

  ScriptColumns columns_;
  std::set<std::string, std::less<>> there_;  ///< columns and values in lower case
  std::vector<std::pair<int, int>> years_;    ///< first and last, of columns of dates
};

}  // namespace agent
