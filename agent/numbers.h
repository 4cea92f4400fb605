#pragma once

#include <string>
#include <string_view>

#include "agent/script_grammar.h"

namespace agent {

/// Collects what an answer may spell with digits from a text it may quote: the numbers as they
/// stand, their roundings to two, one and no decimals, whole words that hold digits (file names,
/// dates, "Q1"), and two such words with a space between them ("2014 Q1").
void collect_numbers(std::string_view text, AnswerWords& into);

}  // namespace agent
