#include "policies/shell.h"

#include <utility>

#include "base/text.h"

// A reader of shell text that errs on one side only. It walks over the text once:
//
//   list     commands between ; & && || | newlines, up to the end or the closing parenthesis
//   command  [NAME=value …] words and redirections; reserved words before it are dropped, so that
//            `if`, `while`, `for NAME in …` and `{ }` need no grammar of their own
//   word     quoted and bare pieces; $x, $(…), `…`, ${…}, * ? [ ] { , } and ~ make it unknown
//
// $(…), `…`, (…), <(…) and >(…) are lists again. What has a grammar of its own (here documents,
// case, functions, [[ ]], (( )), arrays) ends the reading with its name. Reading on after something
// misunderstood would find commands that are none, or worse, not find those that are.

namespace policies {
namespace {

constexpr size_t kMaxBytes = 64 * 1024;
constexpr size_t kMaxCommands = 1000;
constexpr int kMaxNesting = 16;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || base::is_digit(c); }

bool all_digits(std::string_view text) {
  for (char c : text)
    if (!base::is_digit(c)) return false;
  return !text.empty();
}

/// NAME= or NAME+= in front of a value.
bool is_assignment(std::string_view text) {
  if (text.empty() || !is_name_start(text[0])) return false;
  size_t i = 1;
  while (i < text.size() && is_name(text[i])) ++i;
  if (i < text.size() && text[i] == '+') ++i;
  return i < text.size() && text[i] == '=';
}

/// What a word looks like while it is read.
struct Word : ShellWord {
  bool there = false;   ///< "" is a word, nothing is none
  bool quoted = false;  ///< some of it, so it is no reserved word
  size_t bare = 0;      ///< bytes before the first quoted one
  bool bracket = false, brace = false, braced_list = false;
};

class ShellReader {
 public:
  ShellReader(std::string_view text, int depth, ShellText& out)
      : text_(text), depth_(depth), out_(out) {}

  void read() {
    if (depth_ > kMaxNesting) return stop("more than 16 levels");
    if (text_.find('\0') != std::string_view::npos) return stop("a zero byte");
    list(false);
  }

 private:
  bool stopped() const { return !out_.unread.empty(); }
  void stop(std::string what) {
    if (!stopped()) out_.unread = std::move(what);
  }
  bool at_end() const { return at_ >= text_.size(); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take(std::string_view what) {
    if (text_.substr(at_, what.size()) != what) return false;
    at_ += what.size();
    return true;
  }

  void add(ShellCommand command) {
    if (command.empty()) return;
    if (out_.commands.size() >= kMaxCommands) return stop("more than 1000 commands");
    out_.commands.push_back(std::move(command));
  }

  /// Reads commands up to the end, or past the `)` that closes this list.
  void list(bool closed) {
    if (depth_ > kMaxNesting) return stop("more than 16 levels");
    ShellCommand words;
    bool assigned = false, ended = false;
    auto finish = [&] {
      add(std::exchange(words, {}));
      assigned = ended = false;
    };
    while (!stopped()) {
      if (at_end()) {
        if (closed) return stop("an open parenthesis");
        return finish();
      }
      const char c = peek();
      if (c == ' ' || c == '\t' || take("\\\n")) {
        if (c != '\\') ++at_;
      } else if (c == '#') {
        while (!at_end() && peek() != '\n') ++at_;
      } else if (c == '&' && peek(1) == '>') {
        // Bash goes on with this command, a plain sh starts the next one.
        redirection();
        ended = true;
      } else if (c == '\n' || c == ';' || c == '&' || c == '|') {
        if (c == ';' && (peek(1) == ';' || peek(1) == '&')) return stop("case");
        ++at_;
        finish();
      } else if (c == ')') {
        if (!closed) return stop("a closing parenthesis");
        ++at_;
        return finish();
      } else if (c == '(') {
        if (!words.empty() || assigned) return stop("a function, an array or a pattern in ( )");
        if (peek(1) == '(') return stop("((");
        ++at_;
        nested();
      } else if ((c == '<' || c == '>') && peek(1) != '(') {
        redirection();
      } else {
        const bool first = words.empty();
        Word word = read_word();
        if (stopped()) return;
        if (ended) return stop("words after &>");
        if (!word.there) return stop("a character");
        // The number or {name} of a descriptor belongs to the redirection that follows.
        if ((peek() == '<' || peek() == '>') && !word.quoted && word.known) {
          if (all_digits(word.text)) continue;
          if (word.text.starts_with('{')) return stop("a named descriptor");
        }
        if (first && is_assignment(std::string_view(word.text).substr(0, word.bare))) {
          assigned = true;
        } else if (first && !assigned && !word.quoted && word.known && reserved(word.text)) {
          continue;
        } else {
          words.push_back(std::move(word));
        }
      }
    }
  }

  /// Whether `text` is a word of the shell's grammar that can be dropped, with what belongs to it.
  bool reserved(const std::string& text) {
    for (const char* word : {"case", "select", "function", "coproc", "[[", "esac"}) {
      if (text == word) return stop(word), true;
    }
    for (const char* word :
         {"if", "then", "else", "elif", "fi", "while", "until", "do", "done", "{", "}", "!"}) {
      if (text == word) return true;
    }
    if (text != "for") return false;
    blanks();
    if (Word name = read_word(); !name.known || !name.there) return stop("for"), true;
    blanks();
    if (Word in = read_word(); in.text != "in" || in.quoted) return stop("for without in"), true;
    while (!stopped()) {
      blanks();
      if (at_end() || peek() == ';' || peek() == '\n') break;
      if (!read_word().there) return stop("for"), true;
    }
    return true;
  }

  void blanks() {
    while (peek() == ' ' || peek() == '\t' || text_.substr(at_, 2) == "\\\n")
      at_ += peek() == '\\' ? 2 : 1;
  }

  /// A list in parentheses, behind the opening one.
  void nested() {
    ++depth_;
    list(true);
    --depth_;
  }

  void redirection() {
    std::string kind;
    bool duplicates = false;
    if (take("<<<") || take("<&")) {
    } else if (take("<<")) {
      return stop("a here document");
    } else if (take("&>>") || take(">>")) {
      kind = ">>";
    } else if (take("&>") || take(">|") || take("<>")) {
      kind = ">";
    } else if (take(">&")) {
      kind = ">";
      duplicates = true;
    } else if (take(">")) {
      kind = ">";
    } else {
      ++at_;
    }
    blanks();
    Word target = read_word();
    if (stopped()) return;
    if (!target.there) return stop("a redirection without a file");
    if (kind.empty() || (duplicates && (all_digits(target.text) || target.text == "-"))) return;
    if (target.known && (target.text == "/dev/null" || target.text == "/dev/stderr" ||
                         target.text == "/dev/stdout"))
      return;
    add({ShellWord{kind}, target});
  }

  static void literal(Word& word, char c, bool quoted) {
    word.there = true;
    if (quoted) word.quoted = true;
    if (!word.quoted) ++word.bare;
    word.text += c;
  }

  static void unknown(Word& word, bool single) {
    word.there = true;
    word.known = false;
    if (!single) word.single = false;
  }

  Word read_word() {
    Word word;
    while (!stopped() && !at_end()) {
      const char c = peek();
      if (c == ' ' || c == '\t' || c == '\n' || c == ';' || c == '&' || c == '|' || c == ')') break;
      if (c == '(') {
        if (word.there) stop("a function, an array or a pattern in ( )");
        break;
      }
      if (c == '<' || c == '>') {
        // <(…) and >(…) are words: the name of a pipe.
        if (peek(1) != '(') break;
        at_ += 2;
        nested();
        unknown(word, true);
        word.quoted = true;
      } else if (c == '\\') {
        ++at_;
        if (at_end()) {
          literal(word, '\\', true);
        } else if (peek() == '\n') {
          ++at_;
        } else {
          literal(word, peek(), true);
          ++at_;
        }
      } else if (c == '\'') {
        const size_t end = text_.find('\'', at_ + 1);
        if (end == std::string_view::npos) return stop("an open quote"), word;
        word.there = word.quoted = true;
        word.text += text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
      } else if (c == '"') {
        ++at_;
        double_quoted(word);
      } else if (c == '$') {
        dollar(word, false);
      } else if (c == '`') {
        backticks(word, false);
      } else {
        if (c == '*' || c == '?' || (c == ']' && word.bracket)) unknown(word, false);
        if (c == '[') word.bracket = true;
        if (c == '~' && !word.there) unknown(word, true);
        if (c == '{') word.brace = true;
        if (word.brace && (c == ',' || (c == '.' && peek(1) == '.'))) word.braced_list = true;
        if (c == '}' && word.braced_list) unknown(word, false);
        literal(word, c, false);
        ++at_;
      }
    }
    return word;
  }

  void double_quoted(Word& word) {
    word.there = word.quoted = true;
    while (!stopped()) {
      if (at_end()) return stop("an open quote");
      const char c = peek();
      if (c == '"') {
        ++at_;
        return;
      }
      if (c == '$') {
        dollar(word, true);
      } else if (c == '`') {
        backticks(word, true);
      } else if (c == '\\' && peek(1) != '\0' &&
                 std::string_view("$`\"\\\n").find(peek(1)) != std::string_view::npos) {
        if (peek(1) != '\n') literal(word, peek(1), true);
        at_ += 2;
      } else {
        literal(word, c, true);
        ++at_;
      }
    }
  }

  /// At a `$`, in or outside double quotes.
  void dollar(Word& word, bool quoted) {
    const char next = peek(1);
    if (next == '(' && peek(2) == '(') {
      arithmetic();
      unknown(word, quoted);
    } else if (next == '(') {
      at_ += 2;
      nested();
      unknown(word, quoted);
    } else if (next == '{') {
      parameter(word, quoted);
    } else if (next == '\'' && !quoted) {
      // $'…' can spell anything; its value is not worked out.
      for (at_ += 2; !at_end() && peek() != '\''; ++at_) {
        if (peek() == '\\') ++at_;
      }
      if (at_end()) return stop("an open quote");
      ++at_;
      unknown(word, true);
    } else if (next == '"' && !quoted) {
      at_ += 2;
      double_quoted(word);
    } else if (is_name_start(next)) {
      ++at_;
      while (is_name(peek())) ++at_;
      unknown(word, quoted);
    } else if (base::is_digit(next) ||
               (next != '\0' && std::string_view("@*#?$!-").find(next) != std::string_view::npos)) {
      at_ += 2;
      unknown(word, quoted && next != '@');
    } else {
      literal(word, '$', quoted);
      ++at_;
      return;
    }
    word.quoted = true;
  }

  /// $((…)): only if it is plain arithmetic, since $((a); b) is a command.
  void arithmetic() {
    int open = 2;
    for (at_ += 3; open > 0; ++at_) {
      const char c = peek();
      if (at_end() || (c == '$' && peek(1) == '(') ||
          (!is_name(c) &&
           std::string_view(" +-*/%<>=!&|^~?:,$()").find(c) == std::string_view::npos))
        return stop("arithmetic");
      if (c == '(') ++open;
      if (c == ')') --open;
      if (open == 1 && peek(1) != ')') return stop("arithmetic");
    }
  }

  /// ${…} without commands or quotes inside.
  void parameter(Word& word, bool quoted) {
    int open = 1;
    bool many = !quoted;
    for (at_ += 2; open > 0; ++at_) {
      const char c = peek();
      if (at_end() || c == '`' || c == '\'' || c == '"' || c == '\\' ||
          (peek(1) == '(' && (c == '$' || c == '<' || c == '>')) || (c == '@' && peek(1) == 'P'))
        return stop("${ }");
      if (c == '@') many = true;
      if (c == '{') ++open;
      if (c == '}') --open;
    }
    unknown(word, !many);
  }

  void backticks(Word& word, bool quoted) {
    std::string inner;
    for (++at_; peek() != '`'; ++at_) {
      if (at_end()) return stop("an open quote");
      if (peek() == '\\' &&
          (peek(1) == '`' || peek(1) == '\\' || peek(1) == '$' || (quoted && peek(1) == '"')))
        ++at_;
      inner += peek();
    }
    ++at_;
    ShellReader(inner, depth_ + 1, out_).read();
    unknown(word, quoted);
    word.quoted = true;
  }

  std::string_view text_;
  int depth_;
  ShellText& out_;
  size_t at_ = 0;
};

}  // namespace

ShellText split_shell(std::string_view text) {
  ShellText out;
  if (text.size() > kMaxBytes) {
    out.unread = "more than 64 KiB";
    return out;
  }
  ShellReader(text, 0, out).read();
  return out;
}

std::string shell_line(const ShellCommand& command) {
  std::string line;
  for (const ShellWord& word : command) {
    if (!line.empty()) line += ' ';
    std::string text = word.text;
    if (!word.known && text.find_first_of("*?[{~") == std::string::npos) text += "$…";
    for (char& c : text)
      if (static_cast<unsigned char>(c) < 0x20) c = ' ';
    const bool plain = !text.empty() && text.find_first_of(" '\"\\$;&|<>()`") == std::string::npos;
    line += plain || !word.known || text == ">" || text == ">>" ? text : "'" + text + "'";
    if (line.size() > 200) {
      line.resize(200);
      // Not in the middle of a character of several bytes.
      while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80)
        line.pop_back();
      if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xc0) line.pop_back();
      return line + "…";
    }
  }
  return line;
}

}  // namespace policies
