// libedit edits; Ctrl-C is a key to it and not a signal while a line is read, so that reading can
// end by it.

#include "cli/line_editor.h"

#include <histedit.h>
#include <langinfo.h>
#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstring>
#include <utility>

#include "cli/terminal/style.h"

namespace cli {

namespace {
constexpr int kMostHistory = 1000;
constexpr size_t kMaxLine = 1 << 20;
constexpr char kPrompt[] = "› ";
}  // namespace

struct LineEditor::Editing {
  EditLine* line = nullptr;
  History* history = nullptr;
  std::string file;
  std::string prompt;
  Completer complete;
  bool interrupted = false;

  static Editing* of(EditLine* line) {
    void* self = nullptr;
    el_get(line, EL_CLIENTDATA, &self);
    return static_cast<Editing*>(self);
  }
  ~Editing() {
    if (line != nullptr) el_end(line);
    if (history != nullptr) history_end(history);
  }
};

/// Adds what is certain of the word before the cursor; where nothing is, shows what it may become.
static unsigned char complete_word(EditLine* l, const LineEditor::Completer& completer) {
  const LineInfo* info = el_line(l);
  const std::string before(info->buffer, info->cursor);
  const Completion found = completer(before);
  if (found.candidates.empty()) return CC_REFRESH_BEEP;
  const std::string common = found.common();
  const size_t n_typed = before.size() - found.begin;
  if (common.size() > n_typed)
    return el_insertstr(l, common.c_str() + n_typed) == 0 ? CC_REFRESH : CC_ERROR;
  std::fprintf(stderr, "\n%s", in_columns(found.candidates, look_of(STDERR_FILENO)).c_str());
  return CC_REDISPLAY;
}

LineEditor::LineEditor(std::filesystem::path file, Completer completer) {
  if (isatty(STDIN_FILENO) == 0) return;
  const Look look = look_of(STDERR_FILENO);
  prompts_ = isatty(STDERR_FILENO) != 0;
  if (!look.rich) return;
  // Characters of more than one byte are edited as what the locale says they are.
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
  auto e = std::make_unique<Editing>();
  e->line = el_init("tessera", stdin, stderr, stderr);
  e->history = history_init();
  if (e->line == nullptr || e->history == nullptr) return;
  e->file = file.string();
  e->complete = std::move(completer);
  // \1 stands around what takes no columns.
  e->prompt = look.colour ? std::string("\1\x1b[1;36m\1") + kPrompt + "\1\x1b[0m\1" : kPrompt;
  HistEvent event;
  history(e->history, &event, H_SETSIZE, kMostHistory);
  history(e->history, &event, H_SETUNIQUE, 1);
  if (!e->file.empty()) history(e->history, &event, H_LOAD, e->file.c_str());
  EditLine* line = e->line;
  el_set(line, EL_CLIENTDATA, e.get());
  el_set(
      line, EL_PROMPT_ESC, +[](EditLine* l) { return Editing::of(l)->prompt.data(); }, '\1');
  el_set(line, EL_EDITOR, "emacs");
  el_set(line, EL_SIGNAL, 1);
  el_set(line, EL_HIST, ::history, e->history);
  el_set(line, EL_SETTY, "-d", "-isig", nullptr);
  // The wide function keeps these words; the narrow one would copy them and never free them.
  el_wset(
      line, EL_ADDFN, L"stop-reading", L"Ends reading without a line",
      +[](EditLine* l, int) -> unsigned char {
        Editing::of(l)->interrupted = true;
        return CC_EOF;
      });
  el_wset(
      line, EL_ADDFN, L"complete-word", L"Completes a command or the name of a file",
      +[](EditLine* l, int) -> unsigned char {
        try {  // nothing may be thrown through the library's frames
          return complete_word(l, Editing::of(l)->complete);
        } catch (...) {
          return CC_ERROR;
        }
      });
  el_set(line, EL_BIND, "^C", "stop-reading", nullptr);
  el_set(line, EL_BIND, "^I", "complete-word", nullptr);
  el_set(line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  // Home, End and Delete of most terminals.
  el_set(line, EL_BIND, "\\e[H", "ed-move-to-beg", nullptr);
  el_set(line, EL_BIND, "\\e[F", "ed-move-to-end", nullptr);
  el_set(line, EL_BIND, "\\e[3~", "ed-delete-next-char", nullptr);
  editing_ = std::move(e);
}

LineEditor::~LineEditor() = default;

LineEditor::Got LineEditor::read(std::string& line, const std::string& draft) {
  line.clear();
  if (!editing_) {
    if (prompts_) std::fputs("> ", stderr);
    for (int c = std::getchar(); c != '\n'; c = std::getchar()) {
      if (c == EOF) return line.empty() ? Got::end : Got::line;
      if (line.size() < kMaxLine) line += static_cast<char>(c);
    }
    if (line.ends_with('\r')) line.pop_back();
    return Got::line;
  }
  Editing& e = *editing_;
  e.interrupted = false;
  if (!draft.empty()) el_push(e.line, draft.c_str());  // as if it was typed
  int n = 0;
  const char* text = el_gets(e.line, &n);
  if (text == nullptr || n <= 0) {
    std::fputs("\n", stderr);
    return e.interrupted ? Got::interrupted : Got::end;
  }
  line.assign(text, static_cast<size_t>(n));
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  if (line.find_first_not_of(" \t") != line.npos) {
    HistEvent event;
    history(e.history, &event, H_ENTER, line.c_str());
    // Line by line, so that nothing is lost if the program is killed. It is readable by its owner.
    if (!e.file.empty()) history(e.history, &event, H_SAVE, e.file.c_str());
  }
  return Got::line;
}

}  // namespace cli
