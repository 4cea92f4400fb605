#pragma once

#include <string>
#include <string_view>

#include "agent/number_units.h"
#include "agent/spelled_numbers.h"

/// What stands around a number of an answer and decides what it may mean.
namespace agent {

/// A number that an answer claims.
struct Claim {
  Spelled number = {};
  std::string behind = {};  ///< the word behind it
  double magnitude = 1;     ///< of "1.2 million"
  const Unit* unit = nullptr;
  bool percent = false, points = false, currency = false;
  /// In lower case: its sentence, or of a table the heading of its column and the first cell of its
  /// row.
  std::string context = {};
  bool in_table = false;
  size_t scope_begin = 0, scope_end = 0;  ///< the sentence or the row
  int column = 0;

  bool found = false;
  bool counted = false;  ///< a count or parameter, which nothing follows from
  double value = 0;      ///< what was seen
  double base = 0;       ///< the same in the claim's unit, magnitude multiplied
  int step = 0;
  std::string how = {};
};

Claim claim_of(std::string_view answer, const Spelled& number);

/// What words around a number say about where it comes from.
enum class Cue { increase, decrease, change, sum, ratio, share, rest, mean };
bool has_cue(std::string_view context, Cue cue);

/// How far below and above a claimed number what it stands for may lie: half a unit of its last
/// digit, of "about 1,200" half a hundred, of "over 1,200" a hundred above.
struct Slack {
  double low = 0, high = 0;
};
Slack slack_of(std::string_view answer, const Claim& claim, double claimed, double unit);

/// "top 5", "more than 100", "the last 3"
bool names_a_parameter(std::string_view answer, size_t begin);
/// "by 5", "a difference of 5": said to follow from other numbers.
bool names_a_difference(std::string_view answer, size_t begin);
bool is_ordinal(std::string_view answer, const Spelled& number);
/// "1." or "2)" at the beginning of a line.
bool counts_lines(std::string_view answer, const Spelled& number);
/// The first cell of a table's row, if it is 1 in the first one, 2 in the second.
bool is_rank(std::string_view answer, const Spelled& number);
bool is_month(std::string_view word);
/// Whether the paragraph or table says "in thousands".
bool says_in(std::string_view answer, const Claim& claim, std::string_view magnitude);

std::string_view word_at(std::string_view text, size_t i);  ///< stripped
std::string_view word_before(std::string_view text, size_t begin);
std::string_view word_behind(std::string_view text, size_t end);
/// What the answer gives a number to, in lower case: the first cell of a table's row that names
/// something, or what stands right before it, "Bern: 5", "Bern 5", "Bern is 5". Else nothing.
std::string owner_of(std::string_view answer, const Claim& claim);
/// Lines of the answer that are points of a list, or rows of a table without its heading.
int count_of_lines(std::string_view answer);
/// Names with commas and "and" between them in the claim's sentence, behind it.
int count_of_names(std::string_view answer, const Claim& claim);

}  // namespace agent
