// md4c calls back for each block and span as it finds them; text is gathered for the innermost
// block and laid out when that ends. What stands before each line (bars of quotes, indents of
// lists) is a stack; a list's mark is shown with the first line of its item only.

#include "cli/terminal/markdown.h"

#include <md4c.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "cli/terminal/table.h"
#include "cli/terminal/text.h"

namespace cli {

namespace {

constexpr size_t kMaxDepth = 12;      // of quotes and lists that are still indented
constexpr int kMinColumns = 10;       // left for text beside them
constexpr size_t kMaxText = 1 << 20;  // more is shown as it is
constexpr size_t kMaxTableCells = 20'000;

/// A character that is spelled as an entity; what is not known stays as it is.
std::string entity(std::string_view text) {
  static constexpr struct {
    std::string_view name, is;
  } kNamed[] = {{"&amp;", "&"},    {"&lt;", "<"},   {"&gt;", ">"},    {"&quot;", "\""},
                {"&nbsp;", " "},   {"&apos;", "'"}, {"&ndash;", "–"}, {"&mdash;", "—"},
                {"&hellip;", "…"}, {"&euro;", "€"}, {"&times;", "×"}, {"&middot;", "·"}};
  for (const auto& [name, is] : kNamed)
    if (text == name) return std::string(is);
  if (!text.starts_with("&#")) return std::string(text);
  const bool hex = text.size() > 3 && (text[2] == 'x' || text[2] == 'X');
  const unsigned long c = std::strtoul(text.data() + (hex ? 3 : 2), nullptr, hex ? 16 : 10);
  if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return "\xef\xbf\xbd";
  std::string out;
  base::append_utf8(out, static_cast<uint32_t>(c));
  return shown(out);
}

class Layout {
 public:
  explicit Layout(const Look& look) : look_(look) {}

  std::string run(const std::string& text) {
    MD_PARSER parser{};
    parser.flags = MD_DIALECT_GITHUB | MD_FLAG_NOHTML;
    parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) {
      static_cast<Layout*>(self)->enter(type, detail);
      return 0;
    };
    parser.leave_block = [](MD_BLOCKTYPE type, void* detail, void* self) {
      static_cast<Layout*>(self)->leave(type, detail);
      return 0;
    };
    parser.enter_span = [](MD_SPANTYPE type, void* detail, void* self) {
      static_cast<Layout*>(self)->enter(type, detail);
      return 0;
    };
    parser.leave_span = [](MD_SPANTYPE type, void* detail, void* self) {
      static_cast<Layout*>(self)->leave(type, detail);
      return 0;
    };
    parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* self) {
      static_cast<Layout*>(self)->text(type, {text, size});
      return 0;
    };
    md_parse(text.data(), static_cast<MD_SIZE>(text.size()), &parser, this);
    return std::move(out_);
  }

 private:
  struct Before {
    std::string first, others;  // before the first line in it, before the others
    bool begun = false;         // a line was shown
  };
  struct List {
    bool ordered, tight;
    unsigned number;
  };

  void enter(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_QUOTE:
        flush();
        before_.push_back({"│ ", "│ "});
        break;
      case MD_BLOCK_UL:
        flush();
        lists_.push_back({false, static_cast<MD_BLOCK_UL_DETAIL*>(detail)->is_tight != 0, 0});
        break;
      case MD_BLOCK_OL: {
        flush();
        const auto* ol = static_cast<MD_BLOCK_OL_DETAIL*>(detail);
        lists_.push_back({true, ol->is_tight != 0, ol->start});
        break;
      }
      case MD_BLOCK_LI: {
        List& list = lists_.back();
        const auto* li = static_cast<MD_BLOCK_LI_DETAIL*>(detail);
        const std::string mark = li->is_task    ? (li->task_mark == ' ' ? "☐ " : "☑ ")
                                 : list.ordered ? std::to_string(list.number) + ". "
                                                : "• ";
        ++list.number;
        before_.push_back({mark, std::string(static_cast<size_t>(width(mark)), ' ')});
        break;
      }
      case MD_BLOCK_H:
        styles_.push_back(kBold |
                          (static_cast<MD_BLOCK_H_DETAIL*>(detail)->level <= 2 ? kCyan : kPlain));
        break;
      case MD_BLOCK_CODE:
        flush();
        in_code_ = true;
        break;
      case MD_BLOCK_TABLE:
        table_ = {};
        n_cells_ = 0;
        break;
      case MD_BLOCK_TR:
        if (!in_header_) table_.rows.emplace_back();
        break;
      case MD_BLOCK_THEAD:
        in_header_ = true;
        break;
      default:
        break;
    }
  }

  void leave(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_P:
        flush();
        break;
      case MD_BLOCK_H:
        flush();
        styles_.pop_back();
        break;
      case MD_BLOCK_HR: {
        std::string rule;
        for (int i = 0; i < std::min(room(), 40); ++i) rule += "─";
        put({{{rule, kDim}}});
        break;
      }
      case MD_BLOCK_QUOTE:
        flush();
        before_.pop_back();
        break;
      case MD_BLOCK_LI:
        flush();
        // An item without text shows its mark all the same.
        if (!before_.back().begun) put({{}});
        before_.pop_back();
        break;
      case MD_BLOCK_UL:
      case MD_BLOCK_OL:
        lists_.pop_back();
        if (lists_.empty()) after_list_ = true;
        break;
      case MD_BLOCK_CODE:
        put_code();
        break;
      case MD_BLOCK_TH:
      case MD_BLOCK_TD:
        cell(static_cast<MD_BLOCK_TD_DETAIL*>(detail)->align);
        break;
      case MD_BLOCK_THEAD:
        in_header_ = false;
        break;
      case MD_BLOCK_TABLE:
        for (std::vector<Line>& row : table_.rows) row.resize(table_.header.size());
        put(table_lines(table_, room()));
        break;
      default:
        break;
    }
  }

  void enter(MD_SPANTYPE type, void*) {
    switch (type) {
      case MD_SPAN_EM:
        styles_.push_back(kItalic);
        break;
      case MD_SPAN_STRONG:
        styles_.push_back(kBold);
        break;
      case MD_SPAN_DEL:
        styles_.push_back(kStrike);
        break;
      case MD_SPAN_CODE:
        styles_.push_back(kYellow);
        break;
      case MD_SPAN_A:
        styles_.push_back(kUnderline);
        link_at_ = text_.size();
        break;
      case MD_SPAN_IMG:
        say("[picture: ", kDim);
        styles_.push_back(kPlain);
        break;
      default:
        styles_.push_back(kPlain);
    }
  }

  void leave(MD_SPANTYPE type, void* detail) {
    styles_.pop_back();
    if (type == MD_SPAN_IMG) say("]", kDim);
    if (type != MD_SPAN_A) return;
    const MD_ATTRIBUTE& href = static_cast<MD_SPAN_A_DETAIL*>(detail)->href;
    const std::string where = shown_line({href.text, href.size});
    std::string said;
    for (size_t i = std::min(link_at_, text_.size()); i < text_.size(); ++i) said += text_[i].text;
    if (where != said && where != "mailto:" + said) say(" (" + where + ")", kDim);
  }

  void text(MD_TEXTTYPE type, std::string_view piece) {
    if (in_code_) {
      code_ += piece;
      return;
    }
    switch (type) {
      case MD_TEXT_NULLCHAR:
        return say("\xef\xbf\xbd", style());
      case MD_TEXT_BR:
        return say("\n", style());
      case MD_TEXT_SOFTBR:
        return say(" ", style());
      case MD_TEXT_ENTITY:
        return say(entity(piece), style());
      default:
        return say(std::string(piece), style());
    }
  }

  unsigned style() const {
    unsigned all = kPlain;
    for (const unsigned one : styles_) all |= one;
    return all;
  }

  void say(std::string text, unsigned style) {
    std::replace(text.begin(), text.end(), '\t', ' ');
    text_.push_back({std::move(text), style});
  }

  int room() const {
    int taken = 0;
    for (size_t i = 0; i < std::min(before_.size(), kMaxDepth); ++i)
      taken += width(before_[i].others);
    return std::max(kMinColumns, look_.columns - taken);
  }

  /// What was gathered as a paragraph.
  void flush() {
    if (text_.empty()) return;
    put(wrap(text_, room()));
    text_.clear();
  }

  void put_code() {
    in_code_ = false;
    std::vector<Line> lines;
    for (const std::string& line : lines_of(code_)) {
      std::string flat;
      for (const char c : line) flat += c == '\t' ? std::string(4, ' ') : std::string(1, c);
      // Code keeps its spaces, so it is broken anywhere.
      for (Line& part : wrap({{flat, kYellow}}, room() - 2)) {
        part.insert(part.begin(), {"  "});
        lines.push_back(std::move(part));
      }
    }
    put(lines);
    code_.clear();
  }

  void cell(MD_ALIGN align) {
    Line line = std::move(text_);
    text_.clear();
    if (in_header_) {
      table_.header.push_back(std::move(line));
      table_.columns.push_back(align == MD_ALIGN_LEFT     ? Align::left
                               : align == MD_ALIGN_CENTER ? Align::centre
                               : align == MD_ALIGN_RIGHT  ? Align::right
                                                          : Align::automatic);
    } else if (++n_cells_ <= kMaxTableCells) {
      table_.rows.back().push_back(std::move(line));
    }
  }

  /// A whole block. Between two there is an empty line, but not in a list without such lines.
  void put(const std::vector<Line>& lines) {
    const bool tight = !lists_.empty() && lists_.back().tight && !after_list_;
    if (!out_.empty() && (!tight || !in_list_)) {
      std::string bars;
      for (const Before& one : before_)
        if (one.begun && one.first == one.others) bars += one.others;
      while (bars.ends_with(' ')) bars.pop_back();
      out_ += styled(bars, kDim, look_) + "\n";
    }
    in_list_ = !lists_.empty();
    after_list_ = false;
    for (const Line& line : lines) {
      std::string start;
      for (size_t i = 0; i < before_.size(); ++i) {
        if (i < kMaxDepth) start += before_[i].first;
        before_[i].first = before_[i].others;
        before_[i].begun = true;
      }
      std::string whole = styled(start, kDim, look_) + styled(line, look_);
      while (whole.ends_with(' ')) whole.pop_back();
      out_ += whole + "\n";
    }
  }

  const Look look_;
  std::string out_, code_;
  Line text_;
  std::vector<Before> before_;
  std::vector<List> lists_;
  std::vector<unsigned> styles_;
  Table table_;
  size_t n_cells_ = 0, link_at_ = 0;
  bool in_code_ = false, in_header_ = false, in_list_ = false, after_list_ = false;
};

/// Whether a line opens or closes a fence; `fence` is that of the block it is in, or empty.
void follow_fence(std::string_view line, std::string& fence) {
  const size_t indent = std::min(line.find_first_not_of(' '), line.size());
  line.remove_prefix(indent);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return;
  const size_t n = std::min(line.find_first_not_of(line[0]), line.size());
  if (fence.empty()) {
    if (n >= 3) fence = std::string(n, line[0]);
  } else if (line[0] == fence[0] && n >= fence.size() &&
             line.find_first_not_of(" \t", n) == line.npos) {
    fence.clear();
  }
}

/// The length of the whole blocks at the beginning of a text that may go on: up to the last empty
/// line outside of fences that is followed by a line which does not belong to what stood before.
size_t whole_blocks(std::string_view text) {
  size_t whole = 0;
  bool empty = false;  // the line before was
  std::string fence;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    const std::string_view line = text.substr(begin, end == text.npos ? end : end - begin);
    const bool blank = line.find_first_not_of(" \t") == line.npos;
    if (empty && fence.empty() && !blank && line[0] != ' ' && line[0] != '\t') whole = begin;
    if (end == text.npos) break;
    if (!blank) follow_fence(line, fence);
    empty = blank;
    begin = end + 1;
  }
  return whole;
}

}  // namespace

std::string markdown(const std::string& text, const Look& look) {
  if (text.size() > kMaxText) return shown(text) + "\n";
  return Layout(look).run(shown(text));
}

std::string MarkdownStream::block(const std::string& text) {
  std::string out = markdown(text, look_);
  if (out.empty()) return out;
  return (std::exchange(said_, true) ? "\n" : "") + out;
}

std::string MarkdownStream::add(std::string_view piece) {
  // Only where a line begins can blocks before it be whole.
  const bool begins = waiting_.ends_with('\n') || piece.find('\n') != piece.npos;
  waiting_ += piece;
  const size_t whole = begins ? whole_blocks(waiting_) : 0;
  if (whole == 0) return {};
  const std::string text = waiting_.substr(0, whole);
  waiting_.erase(0, whole);
  return block(text);
}

std::string MarkdownStream::end() {
  std::string out = block(std::exchange(waiting_, {}));
  said_ = false;
  return out;
}

}  // namespace cli
