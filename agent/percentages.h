#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/reply_watch.h"

namespace agent {

/// Whether a request wants a percentage that no column is: it says so in words that its plan links
/// to nothing. Of the recipe's requests that do, every script computes one.
bool asks_for_percentage(std::string_view request, std::string_view plan);

/// Whether a script computes a percentage or names a column that is one.
bool has_percentage(std::string_view script);

/// Of an answer after a script without a percentage: its numbers are amounts, none is in percent.
class AmountsOnly : public model::ReplyWatch {
 public:
  bool allows(std::string_view reply) const override;
  std::vector<std::string> continuations(std::string_view reply) const override;
};

}  // namespace agent
