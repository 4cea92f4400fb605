#include "cli/train_log.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <utility>

#include "base/file.h"
#include "cli/terminal/text.h"
#include "cli/toolbox.h"
#include "policies/policy.h"
#include "tools/toolbox/toolbox.h"

// The curve is a Vega-Lite specification with its numbers in it, kept beside the picture
// (loss.png: loss.vl.json) and drawn as `tessera chart` draws: in the worker.

namespace cli {

using base::Errc;
using base::Error;
using nlohmann::json;

static double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

base::Result<TrainLog> TrainLog::open(std::filesystem::path log, std::filesystem::path curve) {
  TrainLog t;
  t.log_ = std::move(log);
  t.curve_ = std::move(curve);
  if (!t.log_.empty()) t.out_.open(t.log_, std::ios::app);
  if (!t.log_.empty() && !t.out_)
    return Error{Errc::system, t.log_.string() + ": cannot be written"};
  if (!t.curve_.empty() && t.curve_.extension() != ".png")
    return Error{Errc::usage, t.curve_.string() + ": a name that ends in .png"};
  return t;
}

/// A line that report() wrote; discarded: another.
static json read_line(const std::string& text) {
  json line = json::parse(text, nullptr, false);
  const bool ours = line.is_object() && line.contains("step") && line["step"].is_number_integer() &&
                    line.contains("loss") && line["loss"].is_number() &&
                    (!line.contains("held_out_loss") || line["held_out_loss"].is_number());
  return ours ? line : json(json::value_t::discarded);
}

void TrainLog::begin(int first_step) {
  first_step_ = first_step;
  std::error_code failed;
  if (log_.empty() || !std::filesystem::is_regular_file(log_, failed)) return;
  // The log holds trainings one after the other; this one's lines are the last whose steps rise.
  // They end where a step is done again, or where a killed run left half a line.
  std::ifstream before(log_);
  uintmax_t at = 0, kept = 0;  // bytes read, bytes to stay
  int last = 0;
  bool whole = true;
  for (std::string text; std::getline(before, text);) {
    const uintmax_t start = at;
    whole = !before.eof();
    at += text.size() + (whole ? 1 : 0);
    json line = whole ? read_line(text) : json(json::value_t::discarded);
    if (line.is_discarded()) {
      if (whole && last <= first_step) kept = at;
      continue;
    }
    const int step = line["step"].get<int>();
    if (step <= last) {
      lines_.clear();
      kept = start;
    }
    last = step;
    if (step > first_step) continue;
    kept = at;
    lines_.push_back(std::move(line));
  }
  if (first_step > 0) {
    std::filesystem::resize_file(log_, kept, failed);
    return;
  }
  lines_.clear();
  if (!whole) out_ << "\n";
}

void TrainLog::report(const model::training::StepReport& r) {
  if (first_step_ < 0) begin(r.step - 1);
  if (r.evaluation >= 0) held_out_ = r.evaluation;
  json line = {{"step", r.step},
               {"loss", r.loss},
               {"norm", r.gradient_norm},
               {"learning_rate", r.learning_rate},
               {"tokens_per_s", r.tokens_per_s},
               {"rows_per_s", r.rows_per_s}};
  if (r.evaluation >= 0) line["held_out_loss"] = r.evaluation;
  const bool could = static_cast<bool>(out_);
  if (!log_.empty() && could && !(out_ << line.dump() << std::endl))
    end_line(), std::fprintf(stderr, "train: %s: cannot be written any more\n", log_.c_str());
  lines_.push_back(std::move(line));

  // The first step also makes room and warms up, so it says little of the others.
  if (r.step == first_step_ + 1) started_ = seconds_now();
  // A line that changes for a person; into a file one every ten steps.
  if (!look_.rich && r.step % 10 != 0 && r.step != r.steps && r.evaluation < 0) return;
  const int n_timed = r.step - first_step_ - 1;
  const double each = n_timed > 0 ? (seconds_now() - started_) / n_timed : 0;
  const int left = static_cast<int>(std::min(each * (r.steps - r.step), 99999 * 3600.0));
  char loss[40], held_out[40] = "", speed[40], time[40] = "";
  std::snprintf(loss, sizeof loss, "loss %.4f", r.loss);
  if (held_out_ >= 0) std::snprintf(held_out, sizeof held_out, "held out %.4f", held_out_);
  std::snprintf(speed, sizeof speed, "%.0f tokens/s", r.tokens_per_s);
  if (n_timed > 0 && r.step != r.steps)
    std::snprintf(time, sizeof time, "%d:%02d:%02d left", left / 3600, left / 60 % 60, left % 60);
  draw_bar(r.step, r.steps, {time, loss, held_out, speed});
  if (r.step == r.steps) end_line();
}

void TrainLog::draw_bar(int step, int steps, std::initializer_list<std::string> facts) {
  constexpr int kWidth = 16;
  const int done = static_cast<int>(static_cast<int64_t>(step) * kWidth / steps);
  std::string bar, end;
  for (int i = 0; i < kWidth; ++i) (i < done ? bar : end) += i < done ? "#" : ".";
  std::string line = "] " + std::to_string(step) + "/" + std::to_string(steps);
  // The less a fact matters the later it stands; what has no room, with a ^C behind it, is left
  // out.
  for (const std::string& fact : facts)
    if (!fact.empty() && (!look_.rich || 8 + kWidth + width(line + fact) + 4 < look_.columns))
      line += ", " + fact;
  if (!look_.rich) {
    std::fprintf(stderr, "train: [%s%s%s\n", bar.c_str(), end.c_str(), line.c_str());
    return;
  }
  std::fprintf(stderr, "\rtrain: [%s%s%s\x1b[K", styled(bar, kGreen, look_).c_str(), end.c_str(),
               line.c_str());
  std::fflush(stderr);
  open_line_ = true;
}

void TrainLog::end_line() {
  if (std::exchange(open_line_, false)) std::fputs("\n", stderr);
}

base::Status TrainLog::draw() const {
  if (curve_.empty() || lines_.empty()) return base::Ok{};
  json values = json::array();
  for (const json& line : lines_) {
    values.push_back({{"step", line["step"]}, {"loss", line["loss"]}, {"of", "training"}});
    if (line.contains("held_out_loss"))
      values.push_back(
          {{"step", line["step"]}, {"loss", line["held_out_loss"]}, {"of", "held out"}});
  }
  const json spec = {{"$schema", "https://vega.github.io/schema/vega-lite/v5.json"},
                     {"title", "Loss by step"},
                     {"width", 600},
                     {"height", 320},
                     {"data", {{"values", values}}},
                     {"mark", {{"type", "line"}, {"point", lines_.size() <= 40}}},
                     {"encoding",
                      {{"x", {{"field", "step"}, {"type", "quantitative"}, {"title", "Step"}}},
                       {"y",
                        {{"field", "loss"},
                         {"type", "quantitative"},
                         {"title", "Loss per token (nats)"},
                         {"scale", {{"zero", false}}}}},
                       {"color", {{"field", "of"}, {"type", "nominal"}, {"title", nullptr}}}}}};
  std::filesystem::path spec_path = std::filesystem::absolute(curve_);
  spec_path.replace_extension(".vl.json");
  base::Status done = base::write_file(spec_path, spec.dump(1) + "\n");
  if (!done) return done;
  base::Result<tools::Toolbox> toolbox =
      open_toolbox("default", {.workspace = spec_path.parent_path()});
  if (!toolbox) return toolbox.error();
  const base::Result<tools::DataAnswer> picture = toolbox->draw(spec_path.filename(), "png", 2, {});
  if (!picture) return picture.error();
  if (!picture->error.empty()) return Error{Errc::internal, picture->error};
  return base::write_file(curve_, picture->text);
}

}  // namespace cli
