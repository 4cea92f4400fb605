#include "cli/run_view.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "agent/beneath.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/stop.h"
#include "cli/terminal/bars.h"
#include "cli/terminal/diff.h"
#include "cli/terminal/text.h"

namespace cli {

using base::line_of;
using nlohmann::json;

namespace {

constexpr size_t kMaxPictureBytes = 32 << 20;
constexpr media::Bounds kPictureBounds{.max_side = 8192, .max_pixels = 16 * 1000 * 1000};
constexpr size_t kMostOfALine = 400;  // bytes of what is being written, in the status line
constexpr size_t kCodeLines = 14, kResultLines = 8;  // shown of a script and of what it gave

/// A script as it is, other arguments as JSON.
std::string arguments_text(const json& arguments) {
  return shown(arguments.contains("code") && arguments["code"].is_string()
                   ? arguments["code"].get<std::string>()
                   : line_of(arguments));
}

/// One line on stderr for a person who waits.
void tell_plain(const json& event) {
  const std::string type = event.value("type", "");
  if (type == "plan") std::fprintf(stderr, "plan: %s\n", shown(event.value("text", "")).c_str());
  if (type == "call") {
    const std::string text = arguments_text(event["arguments"]);
    std::fprintf(stderr, "%s:\n", shown(event.value("tool", "")).c_str());
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      std::fprintf(stderr, "  %s\n", text.substr(begin, end - begin).c_str());
      begin = end + 1;
    }
  }
  if (type == "observation" && event.value("tool", "") != "profile")
    std::fprintf(stderr, "-> %s\n", shown(event.value("text", "")).c_str());
}

/// The first lines of a text, each cut to the terminal and set in; what a file tool says is a diff.
std::string some_lines(const std::string& text, size_t most, const Look& look) {
  std::string out;
  const std::vector<std::string> lines = lines_of(text);
  const bool diff = text.starts_with("--- ");
  for (size_t i = 0; i < std::min(most, lines.size()); ++i)
    out += "  " +
           styled(cut(shown_line(lines[i]), look.columns - 3), diff ? diff_style(lines[i]) : kDim,
                  look) +
           "\n";
  if (lines.size() > most)
    out += "  " + styled("… " + std::to_string(lines.size() - most) + " more lines", kDim, look) +
           "\n";
  return out;
}

}  // namespace

void add_view_options(CLI::App& app, ViewOptions& options) {
  app.add_option(
         "--charts", options.charts,
         "how charts are shown on a terminal: kitty, iterm, sixel, blocks or none (default: "
         "as it can)")
      ->check(CLI::IsMember({"kitty", "iterm", "sixel", "blocks", "none"}));
}

RunView::RunView(ViewOptions options)
    : options_(std::move(options)),
      out_(options_.json ? Look() : look_of(1)),
      err_(options_.json ? Look() : look_of(2)),
      status_(err_),
      stream_(out_) {
  status("starting");
}

Around RunView::around(std::shared_ptr<agent::session::Store> store) {
  std::function<bool(const sandbox::Question&)> ask;
  if (!options_.json || options_.yes) ask = ask_person(options_.yes);
  if (ask)
    ask = [this, ask](const sandbox::Question& question) {
      status_.hide();
      const bool yes = ask(question);
      status(under_way_);
      return yes;
    };
  return {.store = std::move(store),
          .ask = std::move(ask),
          .tell =
              [this](const json& event, const std::string& line) {
                if (options_.json)
                  std::printf("%s\n", line.c_str());
                else
                  tell(event);
                std::fflush(stdout);
              },
          .progress = [this](const agent::ReplyProgress& p) { progress(p); },
          .note = [this](const std::string& sentence) { note(sentence); },
          .taking = [this] { status("reading the model"); },
          .answers =
              [this](bool sees) {
                sees_ = sees;
                status("reading the files");
              }};
}

void RunView::note(const std::string& sentence) {
  status_.hide();
  std::fprintf(stderr, "note: %s\n", shown(sentence).c_str());
  status(under_way_);
}

void RunView::status(const std::string& what, const std::string& detail) {
  under_way_ = what;
  status_.say(what, detail);
}

void RunView::err(const std::string& text) {
  status_.hide();
  std::fputs(text.c_str(), stderr);
  gap_ = true;
}

void RunView::tell(const json& event) {
  if (err_.rich)
    tell_rich(event);
  else
    tell_plain(event);
}

/// What a reply says is shown as it comes; whether it is a plan or the answer is known at its end.
void RunView::progress(const agent::ReplyProgress& p) {
  using Kind = agent::ReplyProgress::Kind;
  if (options_.json || !err_.rich) return;
  switch (p.kind) {
    case Kind::asked:
      write(stream_.end());
      said_.clear();
      return status(reads_.empty() ? "planning" : reads_);
    case Kind::reading:
      if (p.read < p.of)
        return status(reads_.empty() ? "reading the prompt" : reads_,
                      std::to_string(p.read) + " of " + std::to_string(p.of) + " tokens");
      return status("planning");
    case Kind::said:
      if (!out_.rich) return status("writing");
      said_ += p.text;
      write(stream_.add(p.text));
      return status("writing",
                    stream_.waiting().substr(stream_.waiting().size() -
                                             std::min(stream_.waiting().size(), kMostOfALine)));
    case Kind::replied:
      return;
  }
}

void RunView::tell_call(const json& event) {
  const std::string tool = shown_line(event.value("tool", ""));
  const json& arguments = event["arguments"];
  const bool code = arguments.contains("code") && arguments["code"].is_string();
  const std::string text = arguments_text(arguments);
  std::string out = styled("▸ " + tool, kBold | kCyan, err_);
  if (!code) out += " " + styled(cut(shown_line(text), err_.columns - 4 - width(tool)), kDim, err_);
  err(out + "\n" + (code ? some_lines(text, kCodeLines, err_) : ""));
  status("running " + tool);
}

void RunView::tell_rich(const json& event) {
  const std::string type = event.value("type", "");
  if (type == "call") {
    write(stream_.end());
    tell_call(event);
  }
  if (type == "plan") {
    const std::string text = event.value("text", "");
    const bool shown_already = !said_.empty() && base::trimmed(text) == base::trimmed(said_);
    write(stream_.end());
    if (!shown_already) err(markdown(text, err_));
    status("planning");
  }
  if (type != "observation") return;
  const std::string tool = event.value("tool", "");
  if (tool == "profile") return status("planning");
  const std::string text = event.value("text", "");
  write(stream_.end());
  err(some_lines(text, kResultLines, err_));
  reads_ =
      sees_ && text.find(".png") != text.npos ? "looking at the picture" : "reading the result";
  status(reads_);
}

void RunView::write(const std::string& text) {
  if (text.empty()) return;
  status_.hide();
  // Apart from what was done before.
  if (std::exchange(gap_, false)) std::fputs("\n", stdout);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void RunView::answer(const std::string& text) {
  if (!out_.rich) {
    std::printf("%s\n", shown(text).c_str());
    return;
  }
  const std::string_view said = base::trimmed(said_);
  if (text.starts_with(said)) {
    std::string rest = stream_.add(text.substr(said.size()));
    rest += stream_.end();  // after it, which one expression would not promise
    write(rest);
  } else {
    write(stream_.end());
    write(markdown(text, out_));
  }
}

/// The chart as the terminal can show it; "" if it cannot, or it is none.
std::string RunView::picture(const std::string& path, const json& charts) {
  if (!out_.rich) return {};
  base::Result<std::string> bytes = agent::read_beneath(options_.workspace, path, kMaxPictureBytes);
  if (!bytes || media::format_of(*bytes) == media::Format::unknown) return {};
  const std::optional<Graphics> named = graphics_named(options_.charts);
  const Graphics graphics = named ? *named : graphics_here(out_);
  if (graphics == Graphics::none) return {};
  if (graphics == Graphics::blocks)
    for (const json& chart : charts)
      if (chart["path"] == path)
        if (std::string text = bars_text(chart["spec"], out_); !text.empty()) return text;
  base::Result<media::Pixels> pixels = media::decode(*bytes, kPictureBounds);
  if (!pixels) return {};
  base::Result<std::string> text = picture_text(*pixels, graphics, out_);
  return text ? *text : "";
}

void RunView::artifacts(const json& result) {
  for (const json& artifact : result["artifacts"]) {
    const std::string path = artifact.value("path", "");
    if (artifact.value("mime", "").starts_with("image/"))
      if (const std::string text = picture(path, result["charts"]); !text.empty()) {
        std::fputs("\n", stdout);
        std::fputs(text.c_str(), stdout);
      }
    std::printf("%s\n",
                styled(shown_line((options_.workspace / path).string()), kDim, out_).c_str());
  }
}

int RunView::done(const Done& done) {
  status_.hide();
  if (options_.json) {
    std::printf("%s\n", line_of(done.result).c_str());
    return done.code;
  }
  const std::string text = done.result.value("answer", "");
  if (done.code == kDone) {
    answer(text);
  } else {
    write(stream_.end());
    complain(text);
  }
  artifacts(done.result);
  std::fflush(stdout);
  return done.code;
}

int carry_out_here(const Work& work, const ViewOptions& options,
                   std::shared_ptr<agent::session::Store> store) {
  ViewOptions here = options;
  here.workspace = work.setup.workspace;
  RunView view(here);
  Models models(work.setup.model, view.quiet(),
                [&view](const std::string& sentence) { view.note(sentence); });
  ModelSeat seat(models);
  const int code = view.done(carry_out(work, seat, view.around(std::move(store))));
  if (seat.reading()) leave_now(code);
  return code;
}

}  // namespace cli
