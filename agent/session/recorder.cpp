// Before a step is begun its row is written without an outcome, together with everything that was
// told until then; with its outcome all that it led to. A process that is killed in between leaves
// the row without one. Whoever resumes then takes back what the step changed in the workspace
// (Toolbox::take_back) and does it again.

#include "agent/session/recorder.h"

#include <algorithm>
#include <chrono>

namespace agent::session {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

bool too_long(const Step& step) {
  return step.kind == "reply" && step.outcome && step.outcome->starts_with("{\"too_long\":");
}

}  // namespace

base::Result<std::unique_ptr<Recorder>> Recorder::begin(
    std::shared_ptr<Store> store, Info info, const std::vector<model::Message>& past,
    std::function<void(const std::string&)> notice) {
  if (info.id.empty()) info.id = Store::new_id();
  info.created_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  info.n_past = static_cast<int>(past.size());
  base::Result<Lock> lock = store->lock(info.id);
  if (!lock) return lock.error();
  std::unique_ptr<Recorder> r(
      new Recorder(std::move(store), std::move(info), std::move(*lock), std::move(notice)));
  r->past_ = past;
  // The system text has number 0.
  for (size_t i = 0; i < past.size(); ++i)
    r->all_.messages[static_cast<int>(i) + 1] =
        base::line_of(message_json(past[i], r->all_.pictures));
  r->n_messages_ = past.empty() ? 0 : static_cast<int>(past.size()) + 1;
  if (base::Status written = r->store_->write(r->info_, r->all_, true); !written)
    return written.error();
  return r;
}

base::Result<std::unique_ptr<Recorder>> Recorder::resume(
    std::shared_ptr<Store> store, const std::string& id,
    std::function<void(const std::string&)> notice) {
  base::Result<Lock> lock = store->lock(id);
  if (!lock) return lock.error();
  base::Result<Saved> saved = store->load(id);
  if (!saved) return saved.error();
  if (saved->info.status == "ok" || saved->info.status == "refused")
    return Error{Errc::usage, "the session " + id + " is done; `tessera sessions fork " + id +
                                  " \"REQUEST\"` goes on from it"};
  Happened& h = saved->happened;
  // Steps from 0 without a gap, as far as they were done.
  size_t whole = 0;
  while (whole < h.steps.size() && h.steps[whole].outcome &&
         h.steps[whole].seq == static_cast<int>(whole))
    ++whole;
  h.steps.resize(whole);
  // Another server, or a shorter prompt, may take what did not fit.
  while (!h.steps.empty() && too_long(h.steps.back())) h.steps.pop_back();
  // Before the first reply nothing was done, and the files may be others by now.
  if (h.steps.size() == 1) h.steps.clear();
  const int n_events = h.steps.empty() ? 0 : h.steps.back().n_events;
  h.events.erase(h.events.lower_bound(n_events), h.events.end());
  // A line may be missing in a file that was damaged; the run tells it again.
  int n_kept = 0;
  while (h.events.contains(n_kept)) ++n_kept;
  h.events.erase(h.events.lower_bound(n_kept), h.events.end());
  saved->info.status = "running";
  saved->info.result.clear();

  std::unique_ptr<Recorder> r(
      new Recorder(std::move(store), std::move(saved->info), std::move(*lock), std::move(notice)));
  const PictureSource pictures = r->pictures();
  for (int i = 1; i <= r->info_.n_past; ++i) {
    const auto line = h.messages.find(i);
    if (line == h.messages.end())
      return Error{Errc::corrupt, "the session " + id + " has lost what was said before it"};
    base::Result<json> parsed = parse_line(line->second);
    if (!parsed) return parsed.error();
    base::Result<model::Message> message = message_of(*parsed, pictures);
    if (!message) return message.error();
    (void)message_json(*message, h.pictures);
    r->past_.push_back(std::move(*message));
  }
  // The run says the others again.
  h.messages.erase(h.messages.upper_bound(r->info_.n_past), h.messages.end());
  r->n_messages_ = r->info_.n_past == 0 ? 0 : r->info_.n_past + 1;
  for (const Step& step : h.steps) {
    base::Result<json> outcome = parse_line(*step.outcome);
    if (!outcome) return outcome.error();
    if (!outcome->is_object()) continue;
    const json message = outcome->value("message", json::object());
    for (const json& media : message.value("media", json::array())) {
      const std::string digest = media.value("digest", "");
      base::Result<std::string> bytes = pictures(digest);
      if (bytes) h.pictures.emplace(digest, std::move(*bytes));
    }
  }
  r->all_ = std::move(h);
  r->n_recalled_ = r->all_.steps.size();
  if (base::Status written = r->store_->write(r->info_, r->all_, true); !written)
    return written.error();
  return r;
}

std::vector<std::string> Recorder::runs() const {
  std::vector<std::string> runs;
  for (const Step& step : all_.steps)
    if (!step.run.empty()) runs.push_back(step.run);
  return runs;
}

PictureSource Recorder::pictures() const {
  return [this](const std::string& digest) -> base::Result<std::string> {
    if (const auto here = all_.pictures.find(digest); here != all_.pictures.end())
      return here->second;
    return store_->picture(digest);
  };
}

void Recorder::with(std::string model, std::string prompt) {
  if (!info_.prompt.empty() && info_.prompt != prompt && notice_)
    notice_("the session " + info_.id + " began with another system text or other tools");
  info_.model = std::move(model);
  info_.prompt = std::move(prompt);
}

base::Result<json> Recorder::step(const std::string& kind, const std::string& asked,
                                  const std::function<base::Result<Outcome>()>& work) {
  const size_t at = next_++;
  if (at < n_recalled_) {
    const Step& old = all_.steps[at];
    if (old.kind != kind || old.asked != asked)
      return Error{Errc::corrupt, "the session " + info_.id + " took another step here (" +
                                      old.kind + ", now " + kind +
                                      "), so another version of Tessera made it; `tessera "
                                      "sessions fork " +
                                      info_.id + " \"REQUEST\"` goes on with what was said"};
    return parse_line(*old.outcome);
  }
  Step step{
      .seq = static_cast<int>(at), .kind = kind, .asked = asked, .n_events = n_events_, .run = {}};
  fresh_.steps = {step};
  flush();
  base::Result<Outcome> outcome = work();
  if (!outcome) return outcome.error();
  step.outcome = base::line_of(outcome->json);
  step.n_events = n_events_;
  step.run = outcome->run;
  fresh_.steps = {std::move(step)};
  fresh_.pictures.merge(outcome->pictures);
  flush();
  return std::move(outcome->json);
}

void Recorder::conversation(std::span<const model::Message> messages, std::ptrdiff_t left_out) {
  const auto n = static_cast<int>(std::ssize(messages) + left_out);
  for (; n_messages_ < n; ++n_messages_)
    fresh_.messages[n_messages_] = base::line_of(
        message_json(messages[static_cast<size_t>(n_messages_ - left_out)], fresh_.pictures));
  // With a past, number 0 was left out.
  if (!all_.messages.contains(0) && !messages.empty())
    fresh_.messages[0] = base::line_of(message_json(messages[0], fresh_.pictures));
}

void Recorder::said(const model::Message& message) {
  fresh_.messages[n_messages_] = base::line_of(message_json(message, fresh_.pictures));
}

void Recorder::event(const std::string& line) {
  if (!all_.events.contains(n_events_)) fresh_.events[n_events_] = line;
  ++n_events_;
}

void Recorder::finish(const std::string& status, const std::string& line) {
  fresh_.events[n_events_++] = line;
  info_.status = status;
  info_.result = line;
  flush();
}

void Recorder::flush() {
  Happened fresh = std::move(fresh_);
  fresh_ = {};
  for (const Step& step : fresh.steps) {
    if (all_.steps.size() <= static_cast<size_t>(step.seq)) all_.steps.emplace_back();
    all_.steps[static_cast<size_t>(step.seq)] = step;
  }
  const Happened stored = fresh;
  fresh.messages.merge(all_.messages);
  all_.messages = std::move(fresh.messages);
  all_.events.merge(fresh.events);
  all_.pictures.merge(fresh.pictures);
  base::Status written = store_->write(info_, behind_ ? all_ : stored, behind_);
  // The file was lost meanwhile, and another one is there.
  if (!written && written.error().code == Errc::not_found)
    written = store_->write(info_, all_, true);
  if (!written && !behind_ && notice_)
    notice_("the session " + info_.id + " is not being kept: " + written.error().message);
  behind_ = !written;
}

base::Result<std::vector<model::Message>> conversation_of(const Saved& saved,
                                                          const PictureSource& pictures,
                                                          int n_steps) {
  std::vector<model::Message> messages;
  int replies = 0;
  bool cut = false;
  for (const auto& [seq, line] : saved.happened.messages) {
    if (seq == 0) continue;
    base::Result<json> parsed = parse_line(line);
    if (!parsed) return parsed.error();
    base::Result<model::Message> message = message_of(*parsed, pictures);
    if (!message) return message.error();
    const bool own = seq > saved.info.n_past;
    if (n_steps >= 0 && replies == n_steps && own && replies > 0 &&
        message->role != model::Role::tool) {
      cut = true;
      break;
    }
    if (own && message->role == model::Role::model) ++replies;
    messages.push_back(std::move(*message));
  }
  if (n_steps > replies)
    return Error{Errc::usage, "the session " + saved.info.id + " has " + std::to_string(replies) +
                                  (replies == 1 ? " step" : " steps")};
  // The results of the last calls, which no model was shown yet.
  const auto asking = std::find_if(messages.rbegin(), messages.rend(), [](const model::Message& m) {
    return m.role == model::Role::model;
  });
  if (asking == messages.rend()) return messages;
  const std::vector<model::FunctionCall> calls = asking->calls;
  const auto n_answered = static_cast<size_t>(asking - messages.rbegin());
  size_t next = saved.happened.steps.size();
  if (!cut)
    while (next > 0 && saved.happened.steps[next - 1].kind == "call") --next;
  for (size_t i = n_answered; i < calls.size(); ++i) {
    model::Message result{.role = model::Role::tool,
                          .text = "error: the run ended before this was done",
                          .name = calls[i].name,
                          .call_id = calls[i].id};
    const std::string asked = calls[i].name + " " + base::line_of(calls[i].arguments);
    for (size_t k = next; k < saved.happened.steps.size(); ++k) {
      const Step& step = saved.happened.steps[k];
      if (step.asked != asked || !step.outcome) continue;
      base::Result<json> outcome = parse_line(*step.outcome);
      if (!outcome) return outcome.error();
      if (outcome->is_object() && outcome->contains("observation") &&
          (*outcome)["observation"].is_object())
        result.text = (*outcome)["observation"].value("text", "");
      next = k + 1;
      break;
    }
    messages.push_back(std::move(result));
  }
  return messages;
}

}  // namespace agent::session
