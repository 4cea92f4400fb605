#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/spelled_numbers.h"
#include "base/json.h"

namespace agent {

/// A number of an answer and where it comes from.
struct TracedNumber {
  std::string number;  ///< as the answer spells it
  double value = 0;    ///< what was seen, or came of what was seen
  int step = 0;        ///< the call whose result showed it; 0: the request or a file's profile
  std::string how;     ///< "as shown", "rounded", "difference of 30 and 12.5", …
};

struct AnswerTrace {
  std::vector<TracedNumber> traced;
  /// Numbers that no step shows, as they are spelled, each once, at most 20.
  std::vector<std::string> missing;
};

/// {"type": "numbers", "numbers": [{"number", "step", "value", "how"}], "not_found": […]}
nlohmann::json numbers_event(const AnswerTrace& trace);

/// The numbers that a run has seen, and whether those of an answer are among them or follow from
/// them as a reader would work it out: for models whose answers no grammar holds.
class SeenNumbers {
 public:
  /// All numbers of a text that an answer may quote, and its words that hold digits.
  /// step: 0 for the request and profiles, else the number of the call.
  void add(int step, std::string_view text);
  /// Numbers of a call that was run: an answer may name them as what they are, "the top 5".
  void add_parameters(std::string_view text);
  /// A number that was found to be true elsewhere.
  void add_value(int step, double value);

  /// Traces each number of an answer (docs/agent.md, "Numbers"): what rounds to it at its decimals,
  /// in its unit and magnitude, with its sign; what follows from other numbers of the answer; how
  /// many rows there are. Names, dates and what counts lines of a list are no claims.
  AnswerTrace trace(std::string_view answer) const;

 private:
  friend class Tracer;
  struct Step {
    int step = 0;
    int lines = 0, rows = 0;         ///< rows: lines without a heading
    std::vector<double> first = {};  ///< its first values
    size_t n_values = 0;
  };
  /// Where a value was seen. row: an index into rows_, -1: its line names nothing.
  struct Place {
    int step = 0, row = -1;
    bool operator==(const Place&) const = default;
  };
  void add_word(Place place, std::string_view word, std::string_view before);
  void add_value(double value, Place place);
  int row_of(std::string_view line);

  std::map<double, std::vector<Place>> values_;
  std::map<std::string, int, std::less<>> labels_;  ///< cells that are names
  std::vector<std::vector<int>> rows_;              ///< the labels of each row
  std::set<std::string, std::less<>> words_;
  std::set<std::string, std::less<>> names_;  ///< "shop5" of Shop 5, shop-5
  std::set<double> name_parts_;               ///< 2014, 8 and 11 of 2014-08-11
  std::set<double> parameters_;
  std::set<std::string, std::less<>> units_;  ///< "kg" of weight_kg, (kg), 5 kg
  std::vector<Step> steps_;
};

}  // namespace agent
