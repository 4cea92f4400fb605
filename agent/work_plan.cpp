#include "agent/work_plan.h"

namespace agent {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

constexpr size_t kMaxSteps = 40, kMaxStep = 300, kMaxNotes = 3000;

const char* mark_of(const std::string& status) {
  return status == "done" ? "[x] " : status == "in_progress" ? "[>] " : "[ ] ";
}

}  // namespace

std::string WorkPlan::text() const {
  std::string text;
  for (const json& step : steps)
    text += (text.empty() ? "" : "\n") +
            (mark_of(step["status"].get<std::string>()) + step["step"].get<std::string>());
  if (!notes.empty()) text += (text.empty() ? "" : "\n") + notes;
  return text;
}

base::Result<WorkPlan> read_plan(const json& arguments) {
  const auto bad = [](const std::string& what) {
    return Error{Errc::usage, "update_plan: " + what};
  };
  WorkPlan plan;
  if (arguments.contains("notes")) {
    if (!arguments["notes"].is_string()) return bad("notes is a text");
    plan.notes = arguments["notes"].get<std::string>();
    if (plan.notes.size() > kMaxNotes) return bad("notes are at most 3,000 bytes");
  }
  if (!arguments.contains("steps") || !arguments["steps"].is_array())
    return bad("it needs steps, a list");
  if (arguments["steps"].size() > kMaxSteps) return bad("a plan has at most 40 steps");
  for (const json& step : arguments["steps"]) {
    const bool text = step.is_object() && step.contains("step") && step["step"].is_string() &&
                      step["step"].get_ref<const std::string&>().size() <= kMaxStep;
    const std::string status = text && step.contains("status") && step["status"].is_string()
                                   ? step["status"].get<std::string>()
                                   : "pending";
    if (!text || (status != "pending" && status != "in_progress" && status != "done"))
      return bad(
          "a step is {\"step\": text of at most 300 bytes, \"status\": pending, in_progress or "
          "done}");
    plan.steps.push_back({{"step", step["step"]}, {"status", status}});
  }
  return plan;
}

}  // namespace agent
