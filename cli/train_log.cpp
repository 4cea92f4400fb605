#include "cli/train_log.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "base/file.h"
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
  t.started_ = seconds_now();
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
    std::fprintf(stderr, "train: %s: cannot be written any more\n", log_.c_str());
  lines_.push_back(std::move(line));

  // A line that changes for a person; into a file one every ten steps.
  const bool person = ::isatty(STDERR_FILENO) == 1;
  if (!person && r.step % 10 != 0 && r.step != r.steps && r.evaluation < 0) return;
  const double each = (seconds_now() - started_) / (r.step - first_step_);
  const int left = static_cast<int>(each * (r.steps - r.step));
  char held_out[40] = "", bar[32] = "";
  if (held_out_ >= 0) std::snprintf(held_out, sizeof held_out, " (held out %.4f)", held_out_);
  constexpr int kWidth = 24;
  for (int i = 0; i < kWidth; ++i)
    bar[i] = i < static_cast<int64_t>(r.step) * kWidth / r.steps ? '#' : '.';
  std::fprintf(stderr, "%strain: [%s] %d/%d loss %.4f%s, %.0f tokens/s, %d:%02d:%02d left %s",
               person ? "\r" : "", bar, r.step, r.steps, r.loss, held_out, r.tokens_per_s,
               left / 3600, left / 60 % 60, left % 60, person && r.step != r.steps ? "" : "\n");
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
