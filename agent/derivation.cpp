#include "agent/derivation.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"

namespace agent {
namespace {

struct Operand {
  double exact = 0, shown = 0;
  int step = 0;
};

/// Looks for the claim among what two numbers give.
class Derivation {
 public:
  Derivation(std::string_view answer, Claim& claim) : claim_(claim) {
    const double unit = std::pow(10.0, -claim.number.decimals);
    const Slack slack = slack_of(answer, claim, claim.number.value, unit);
    low_ = slack.low * claim.magnitude;
    high_ = slack.high * claim.magnitude;
    up_ = has_cue(claim.context, Cue::increase);
    down_ = has_cue(claim.context, Cue::decrease);
    change_ = has_cue(claim.context, Cue::change);
    sum_ = has_cue(claim.context, Cue::sum);
    ratio_ = has_cue(claim.context, Cue::ratio);
    mean_ = has_cue(claim.context, Cue::mean);
    by_ = answer.substr(0, claim.number.begin).ends_with("by -");
  }

  bool try_pair(const Operand& a, const Operand& b) {
    return pair(a.exact, b.exact, b.step) || pair(a.shown, b.shown, b.step);
  }

  bool try_all(const std::vector<Operand>& all) {
    if (all.size() < 2 || claim_.percent || !(sum_ || mean_)) return false;
    double exact = 0, shown = 0;
    for (const Operand& one : all) {
      exact += one.exact;
      shown += one.shown;
    }
    const auto n = static_cast<double>(all.size());
    const std::string of = std::to_string(all.size()) + " numbers of the answer";
    return (sum_ && (fits(exact, all[0].step, "sum of " + of) ||
                     fits(shown, all[0].step, "sum of " + of))) ||
           (mean_ && fits(exact / n, all[0].step, "mean of " + of));
  }

 private:
  bool fits(double value, int step, const std::string& how) {
    const double claimed = claim_.number.value * claim_.magnitude;
    const auto close = [&](double v) {
      const double slack = 1e-9 * std::abs(claimed);
      return v >= claimed - low_ - slack && v <= claimed + high_ + slack;
    };
    // Its sign, or what the words say of it.
    const bool ok = claim_.number.minus && !claim_.number.dash
                        ? close(-value)
                        : close(value) || (down_ && close(-value));
    if (!ok) return false;
    claim_.found = true;
    claim_.value = claim_.base = value;
    claim_.step = step;
    claim_.how = how;
    return true;
  }

  static std::string of(const char* what, double a, double b) {
    return std::string(what) + " of " + nlohmann::json(a).dump() + " and " +
           nlohmann::json(b).dump();
  }

  bool pair(double a, double b, int step) {
    if (claim_.points) return fits(a - b, step, of("difference", a, b));
    if (claim_.percent) {
      if (b != 0 && (up_ || down_ || change_) &&
          fits((a - b) / std::abs(b) * 100, step, of("change in percent", b, a)))
        return true;
      if (b != 0 && fits(a / b * 100, step, of("share in percent", a, b))) return true;
      return has_cue(claim_.context, Cue::rest) && b != 0 &&
             fits(100 - a / b * 100, step, of("rest in percent", a, b));
    }
    // A difference below nothing goes against "more" and "less by".
    const bool against = claim_.number.minus && ((up_ && !down_) || by_);
    if ((up_ || down_ || change_) && !against && fits(a - b, step, of("difference", a, b)))
      return true;
    if (sum_ && fits(a + b, step, of("sum", a, b))) return true;
    return (ratio_ || mean_) && b != 0 && fits(a / b, step, of("ratio", a, b));
  }

  Claim& claim_;
  double low_ = 0, high_ = 0;
  bool up_ = false, down_ = false, change_ = false, sum_ = false, ratio_ = false, mean_ = false,
       by_ = false;
};

int significant(const Spelled& number) {
  double whole = std::round(number.value * std::pow(10.0, std::max(0, number.decimals)));
  int digits = 0;
  for (; whole >= 1 && digits < 16; whole = std::floor(whole / 10)) ++digits;
  return digits;
}

bool same_paragraph(std::string_view text, size_t a, size_t b) {
  return text.substr(std::min(a, b), std::max(a, b) - std::min(a, b)).find("\n\n") == text.npos;
}

}  // namespace

void derive(std::string_view answer, const std::vector<Claim>& claims, Claim& claim,
            const std::vector<SmallStep>& small) {
  const int digits = significant(claim.number);
  const size_t most = digits >= 4 ? 8 : digits == 3 ? 5 : 3;
  const auto operand = [](const Claim& c) {
    const double shown = c.number.value * c.magnitude;
    return Operand{c.base, c.base < 0 ? -shown : shown, c.step};
  };
  std::vector<const Claim*> near;
  std::vector<Operand> above, sentence;  // of a table's column, of a list's points; of the sentence
  for (const Claim& other : claims) {
    // Points of percentages are of percentages, all else of what is none.
    if (!other.found || other.counted || other.percent != claim.points) continue;
    if (!same_paragraph(answer, other.number.begin, claim.number.begin)) continue;
    const bool in_scope =
        other.number.begin >= claim.scope_begin && other.number.begin < claim.scope_end;
    if (claim.in_table && other.in_table && other.column == claim.column &&
        other.number.begin < claim.number.begin)
      above.push_back(operand(other));
    if (!claim.in_table && in_scope) sentence.push_back(operand(other));
    if (claim.in_table && other.in_table && !in_scope && !has_cue(other.context, Cue::sum))
      continue;
    near.push_back(&other);
  }
  const auto distance = [&](const Claim* c) {
    const size_t a = c->number.begin, b = claim.number.begin;
    const bool total = has_cue(c->context, Cue::sum);
    const bool in_scope = a >= claim.scope_begin && a < claim.scope_end;
    // Those of its own sentence first, then totals, which shares are of.
    return (a > b ? a - b : b - a) + (in_scope ? 0 : total ? 1'000 : 100'000);
  };
  std::stable_sort(near.begin(), near.end(),
                   [&](const Claim* a, const Claim* b) { return distance(a) < distance(b); });
  if (near.size() > most) near.resize(most);
  Derivation derivation(answer, claim);
  for (size_t i = 0; i < near.size(); ++i)
    for (size_t j = 0; j < near.size(); ++j)
      if (i != j && derivation.try_pair(operand(*near[i]), operand(*near[j]))) return;
  if (derivation.try_all(claim.in_table ? above : sentence)) return;
  for (const SmallStep& step : small)
    for (size_t i = 0; i < step.values.size(); ++i)
      for (size_t j = 0; j < step.values.size(); ++j)
        if (i != j && derivation.try_pair({step.values[i], step.values[i], step.step},
                                          {step.values[j], step.values[j], step.step}))
          return;
}

}  // namespace agent
