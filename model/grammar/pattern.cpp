// A pattern is read into a small tree, and the tree is written again in the engine's syntax (Rust's
// `regex`). Sets are lists of code points, so that nothing depends on how the two dialects read
// `\d`, `\s`, `.` or `[^a]`; only `\p{…}` is passed on by name.
//
// "Found anywhere" becomes "any text, pattern, any text" by walking the edges of the tree: what
// stands first gets any text before it unless it is `^`, alternatives each for themselves; the same
// at the end with `$`. An anchor anywhere else is refused.
//
// In JSON spelling a set that holds `"`, `\` or control characters is a choice between its plain
// characters and the escapes of those.
#include "model/grammar/pattern.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace model {

namespace {

using base::Errc;
using base::Error;
using Node = Pattern::Node;
using Kind = Node::Kind;
using Ranges = std::vector<std::pair<uint32_t, uint32_t>>;

constexpr size_t kMaxPatternBytes = 4096;
constexpr int kMaxGroups = 40;
constexpr int kMaxRepeat = 10'000;  // of nested repetitions together
constexpr uint32_t kLast = 0x10FFFF;

Ranges sorted(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end());
  Ranges out;
  for (const auto& range : ranges) {
    if (!out.empty() && range.first <= out.back().second + 1)
      out.back().second = std::max(out.back().second, range.second);
    else
      out.push_back(range);
  }
  return out;
}

Ranges complement(const Ranges& ranges) {
  Ranges out;
  uint32_t next = 0;
  for (const auto& [first, last] : ranges) {
    if (first > next) out.emplace_back(next, first - 1);
    next = last + 1;
  }
  if (next <= kLast) out.emplace_back(next, kLast);
  return out;
}

bool contains(const Ranges& ranges, uint32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const auto& range) { return range.first <= c && c <= range.second; });
}

const Ranges kDigits = {{'0', '9'}};
const Ranges kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const Ranges kSpace = {{0x09, 0x0D},     {0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680},
                       {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                       {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
const Ranges kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

class Reader {
 public:
  explicit Reader(std::string_view text) : s_(code_points(text)) {}

  base::Result<Node> read() {
    base::Result<Node> node = choice(0);
    if (!node) return node;
    if (at_ < s_.size()) return fail("a ) too many");
    return node;
  }

 private:
  Error fail(const std::string& what) const { return Error{Errc::usage, what}; }
  bool more() const { return at_ < s_.size(); }
  bool next_is(uint32_t c) const { return more() && s_[at_] == c; }
  bool take(uint32_t c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view text) {
    if (s_.size() - at_ < text.size()) return false;
    for (size_t i = 0; i < text.size(); ++i)
      if (s_[at_ + i] != static_cast<unsigned char>(text[i])) return false;
    at_ += text.size();
    return true;
  }

  base::Result<Node> choice(int depth) {
    if (depth > kMaxGroups) return fail("groups nested too deeply");
    Node out{.kind = Kind::choice};
    do {
      base::Result<Node> one = sequence(depth);
      if (!one) return one;
      out.children.push_back(std::move(*one));
    } while (take('|'));
    if (out.children.size() == 1) {
      Node only = std::move(out.children[0]);
      return only;
    }
    return out;
  }

  base::Result<Node> sequence(int depth) {
    Node out{.kind = Kind::sequence};
    while (more() && !next_is('|') && !next_is(')')) {
      base::Result<Node> item = atom(depth);
      if (!item) return item;
      base::Result<Node> repeated = repeats(std::move(*item));
      if (!repeated) return repeated;
      out.children.push_back(std::move(*repeated));
    }
    return out;
  }

  base::Result<Node> repeats(Node item) {
    int least = 0, most = -1;
    if (take('*')) {
    } else if (take('+')) {
      least = 1;
    } else if (take('?')) {
      most = 1;
    } else if (next_is('{')) {
      ++at_;
      const std::optional<int> first = number();
      if (!first) return fail("{ without a number after it");
      least = most = *first;
      if (take(',')) {
        const std::optional<int> second = next_is('}') ? std::optional<int>(-1) : number();
        if (!second) return fail("a repetition {…} that isn't one");
        most = *second;
      }
      if (!take('}')) return fail("a repetition {…} that isn't one");
      if (most >= 0 && most < least)
        return fail("a repetition with its bounds the wrong way round");
    } else {
      return item;
    }
    (void)take('?');  // lazy: the same language
    if (item.kind == Kind::begin || item.kind == Kind::end) return fail("an anchor repeated");
    Node out{.kind = Kind::repeat, .least = least, .most = most};
    out.children.push_back(std::move(item));
    if (next_is('*') || next_is('+') || next_is('?') || next_is('{'))
      return fail("a repetition of a repetition");
    return out;
  }

  std::optional<int> number() {
    int value = 0;
    const size_t begin = at_;
    while (more() && s_[at_] >= '0' && s_[at_] <= '9') {
      value = std::min(value * 10 + static_cast<int>(s_[at_] - '0'), 1'000'000);
      ++at_;
    }
    return at_ == begin ? std::nullopt : std::optional<int>(value);
  }

  base::Result<Node> atom(int depth) {
    const uint32_t c = s_[at_++];
    switch (c) {
      case '^':
        return Node{.kind = Kind::begin};
      case '$':
        return Node{.kind = Kind::end};
      case '.':
        return Node{.kind = Kind::set, .ranges = complement(kLineEnds)};
      case '(': {
        if (take('?')) {
          if (next_is('=') || next_is('!') || take("<=") || take("<!"))
            return fail("look-around (?…)");
          if (take('<')) {
            while (more() && !next_is('>')) ++at_;
            if (!take('>')) return fail("a group's name without its end");
          } else if (!take(':')) {
            return fail("a group (?…) of an unknown kind");
          }
        }
        base::Result<Node> inner = choice(depth + 1);
        if (!inner) return inner;
        if (!take(')')) return fail("a ( without its )");
        return inner;
      }
      case '[':
        return set();
      case '\\': {
        Node out{.kind = Kind::set};
        if (base::Status status = escape(out, false); !status) return status.error();
        out.ranges = sorted(std::move(out.ranges));
        return out;
      }
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']':
        return fail(std::string("a lone ") + static_cast<char>(c));
      default:
        return Node{.kind = Kind::set, .ranges = {{c, c}}};
    }
  }

  int32_t hex(size_t n) {
    if (s_.size() - at_ < n) return -1;
    int32_t value = 0;
    for (size_t i = 0; i < n; ++i) {
      const uint32_t c = s_[at_ + i];
      const int digit = c >= '0' && c <= '9'   ? static_cast<int>(c - '0')
                        : c >= 'a' && c <= 'f' ? static_cast<int>(c - 'a') + 10
                        : c >= 'A' && c <= 'F' ? static_cast<int>(c - 'A') + 10
                                               : -1;
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    at_ += n;
    return value;
  }

  base::Result<uint32_t> unicode_escape() {
    if (take('{')) {
      uint32_t value = 0;
      size_t n = 0;
      while (more() && !next_is('}') && n < 8) {
        const int32_t digit = hex(1);
        if (digit < 0) break;
        value = std::min(value * 16 + static_cast<uint32_t>(digit), kLast + 1);
        ++n;
      }
      if (n == 0 || !take('}') || value > kLast) return fail("\\u{…} that isn't a character");
      return value;
    }
    const int32_t high = hex(4);
    if (high < 0) return fail("\\u without four digits");
    if (high < 0xD800 || high >= 0xE000) return static_cast<uint32_t>(high);
    if (high < 0xDC00 && take("\\u")) {
      const int32_t low = hex(4);
      if (low >= 0xDC00 && low < 0xE000)
        return static_cast<uint32_t>(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
    }
    return fail("half of a surrogate pair");
  }

  // What a backslash begins, behind it. Adds to the set.
  base::Status escape(Node& into, bool in_set) {
    if (!more()) return fail("a \\ at the end");
    const auto add = [&](const Ranges& ranges) {
      into.ranges.insert(into.ranges.end(), ranges.begin(), ranges.end());
      return base::Ok{};
    };
    const auto character = [&](uint32_t c) { return add({{c, c}}); };
    const uint32_t c = s_[at_++];
    switch (c) {
      case 'd':
        return add(kDigits);
      case 'D':
        return add(complement(kDigits));
      case 'w':
        return add(kWord);
      case 'W':
        return add(complement(kWord));
      case 's':
        return add(kSpace);
      case 'S':
        return add(complement(kSpace));
      case 't':
        return character('\t');
      case 'n':
        return character('\n');
      case 'r':
        return character('\r');
      case 'v':
        return character('\v');
      case 'f':
        return character('\f');
      case '0':
        if (more() && s_[at_] >= '0' && s_[at_] <= '9') return fail("an octal escape");
        return character(0);
      case 'b':
        if (in_set) return character('\b');
        return fail("the word boundary \\b");
      case 'B':
        return fail("\\B");
      case 'c': {
        if (!more() || s_[at_] > 0x7F || std::isalpha(static_cast<int>(s_[at_])) == 0)
          return fail("\\c without a letter");
        return character(s_[at_++] % 32);
      }
      case 'x': {
        const int32_t value = hex(2);
        if (value < 0) return fail("\\x without two digits");
        return character(static_cast<uint32_t>(value));
      }
      case 'u': {
        const base::Result<uint32_t> value = unicode_escape();
        if (!value) return value.error();
        return character(*value);
      }
      case 'p':
      case 'P': {
        std::string name;
        if (!take('{')) return fail("\\p without {…}");
        while (more() && !next_is('}') && name.size() < 64) {
          const uint32_t letter = s_[at_++];
          if (letter > 0x7F ||
              (std::isalnum(static_cast<int>(letter)) == 0 && letter != '_' && letter != '='))
            return fail("\\p{…} with an unknown name");
          name += static_cast<char>(letter);
        }
        if (name.empty() || !take('}')) return fail("\\p{…} with an unknown name");
        into.classes.push_back(std::string(c == 'p' ? "\\p{" : "\\P{") + name + "}");
        return base::Ok{};
      }
      default:
        if (c >= '1' && c <= '9') return fail("a back reference");
        if (c == 'k') return fail("a back reference");
        if (c < 0x80 && std::isalnum(static_cast<int>(c)) != 0)
          return fail(std::string("the escape \\") + static_cast<char>(c));
        return character(c);
    }
  }

  base::Result<Node> set() {
    Node out{.kind = Kind::set};
    out.negated = take('^');
    while (more() && !next_is(']')) {
      Node first{.kind = Kind::set};
      if (base::Status status = member(first); !status) return status.error();
      const bool is_range = next_is('-') && at_ + 1 < s_.size() && s_[at_ + 1] != ']';
      if (is_range && single(first)) {
        ++at_;
        Node last{.kind = Kind::set};
        if (base::Status status = member(last); !status) return status.error();
        if (!single(last) || last.ranges[0].first < first.ranges[0].first)
          return fail("a range […-…] that isn't one");
        first.ranges[0].second = last.ranges[0].first;
      }
      out.ranges.insert(out.ranges.end(), first.ranges.begin(), first.ranges.end());
      out.classes.insert(out.classes.end(), first.classes.begin(), first.classes.end());
    }
    if (!take(']')) return fail("a [ without its ]");
    out.ranges = sorted(std::move(out.ranges));
    if (out.negated && out.classes.empty()) {
      out.ranges = complement(out.ranges);
      out.negated = false;
    }
    return out;
  }

  static bool single(const Node& node) {
    return node.classes.empty() && node.ranges.size() == 1 &&
           node.ranges[0].first == node.ranges[0].second;
  }

  base::Status member(Node& into) {
    const uint32_t c = s_[at_++];
    if (c == '\\') return escape(into, true);
    into.ranges.emplace_back(c, c);
    return base::Ok{};
  }

  std::vector<uint32_t> s_;
  size_t at_ = 0;
};

// Whether a Unicode class is made of letters, marks and digits only, none of which JSON escapes.
bool is_wordy(std::string_view name) {
  name.remove_prefix(3);
  for (const std::string_view script :
       {"Script=", "sc=", "Letter", "Alphabetic", "Lowercase_Letter", "Uppercase_Letter",
        "Lowercase", "Uppercase"})
    if (name.starts_with(script)) return true;
  return name.size() <= 3 && (name[0] == 'L' || name[0] == 'N' || name[0] == 'M');
}

std::string code(uint32_t c) {
  char text[16];
  std::snprintf(text, sizeof(text), "\\x{%X}", c);
  return text;
}

class Writer {
 public:
  explicit Writer(Spelling spelling) : spelling_(spelling) {}

  base::Result<std::string> write(const Node& node) {
    if (base::Status status = part(node, true, true, 1); !status) return status.error();
    // Never nothing: // would be a comment.
    return out_.empty() ? "(?:)" : std::move(out_);
  }

 private:
  void anything() { out_ += std::string(any_character(spelling_)) + "*"; }

  // A node at the left or right edge of the pattern, or at neither.
  base::Status part(const Node& node, bool left, bool right, int repeats) {
    switch (node.kind) {
      case Kind::sequence: {
        size_t begin = 0, end = node.children.size();
        while (left && begin < end && node.children[begin].kind == Kind::begin) {
          ++begin;
          while (begin < end && node.children[begin].kind == Kind::begin) ++begin;
          left = false;
        }
        while (right && begin < end && node.children[end - 1].kind == Kind::end) {
          --end;
          while (begin < end && node.children[end - 1].kind == Kind::end) --end;
          right = false;
        }
        if (begin == end) {
          if (left || right) anything();
          return base::Ok{};
        }
        for (size_t i = begin; i < end; ++i)
          if (base::Status status =
                  part(node.children[i], left && i == begin, right && i + 1 == end, repeats);
              !status)
            return status;
        return base::Ok{};
      }
      case Kind::choice: {
        out_ += "(?:";
        for (size_t i = 0; i < node.children.size(); ++i) {
          if (i > 0) out_ += "|";
          if (base::Status status = part(node.children[i], left, right, repeats); !status)
            return status;
        }
        out_ += ")";
        return base::Ok{};
      }
      case Kind::repeat: {
        const int times = std::max({node.least, node.most, 1});
        if (times > kMaxRepeat / repeats)
          return Error{Errc::usage, "more than " + std::to_string(kMaxRepeat) + " repetitions"};
        if (left) anything();
        out_ += "(?:";
        if (base::Status status = part(node.children[0], false, false, repeats * times); !status)
          return status;
        out_ += "){" + std::to_string(node.least) + "," +
                (node.most < 0 ? "" : std::to_string(node.most)) + "}";
        if (right) anything();
        return base::Ok{};
      }
      case Kind::set: {
        if (left) anything();
        if (base::Status status = set(node); !status) return status;
        if (right) anything();
        return base::Ok{};
      }
      case Kind::begin:
      case Kind::end:
        break;
    }
    return Error{Errc::usage, "an anchor in the middle"};
  }

  static std::string members(const Ranges& ranges) {
    std::string out;
    for (auto [first, last] : ranges) {
      // Halves of surrogate pairs are no characters.
      if (first >= 0xD800 && first <= 0xDFFF) first = 0xE000;
      if (last >= 0xD800 && last <= 0xDFFF) last = 0xD7FF;
      if (first > last) continue;
      if (first < 0xD800 && last > 0xDFFF) {
        out += code(first) + "-" + code(0xD7FF);
        first = 0xE000;
      }
      out += code(first);
      if (last > first) out += "-" + code(last);
    }
    return out;
  }

  base::Status set(const Node& node) {
    const bool json = spelling_ == Spelling::json;
    if (node.classes.empty()) {
      Ranges plain = node.ranges;
      if (json) {
        Ranges outside = complement(plain);
        outside.insert(outside.end(), {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}});
        plain = complement(sorted(std::move(outside)));
      }
      const std::string inside = members(plain);
      std::string escapes =
          json ? escaped([&](uint32_t c) { return contains(node.ranges, c); }) : "";
      if (inside.empty() && escapes.empty())
        return Error{Errc::usage, "a class that no character is in"};
      if (escapes.empty())
        out_ += "[" + inside + "]";
      else
        out_ += "(?:" + (inside.empty() ? "" : "[" + inside + "]|") + escapes + ")";
      return base::Ok{};
    }
    std::string inside = members(node.ranges);
    for (const std::string& name : node.classes) {
      if (json && !is_wordy(name)) return Error{Errc::usage, name + " in a JSON string"};
      inside += name;
    }
    inside = (node.negated ? "[^" : "[") + inside + "]";
    if (!json) {
      out_ += inside;
      return base::Ok{};
    }
    const bool others = std::any_of(node.classes.begin(), node.classes.end(),
                                    [](const std::string& name) { return name[1] == 'P'; });
    const std::string escapes =
        escaped([&](uint32_t c) { return (others || contains(node.ranges, c)) != node.negated; });
    out_ += "(?:[" + inside + "&&[^\\x{0}-\\x{1F}\\x{22}\\x{5C}]]" +
            (escapes.empty() ? "" : "|" + escapes) + ")";
    return base::Ok{};
  }

  // The escapes of those characters for which `wanted` holds.
  template <class Wanted>
  static std::string escaped(Wanted wanted) {
    constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
    constexpr std::string_view kNames[] = {"\\x{22}", "\\x{5C}", "b", "f", "n", "r", "t"};
    std::string names, others;
    for (size_t i = 0; i < kNamed.size(); ++i)
      if (wanted(static_cast<unsigned char>(kNamed[i]))) names += kNames[i];
    for (uint32_t c = 0; c < 0x20; ++c) {
      if (kNamed.find(static_cast<char>(c)) != std::string_view::npos || !wanted(c)) continue;
      char text[8];
      std::snprintf(text, sizeof(text), "%02x", c);
      others += (others.empty() ? "" : "|") + std::string(text);
    }
    std::string out;
    if (!names.empty()) out = "[" + names + "]";
    if (!others.empty()) out += (out.empty() ? "" : "|") + ("u00(?:" + others + ")");
    return out.empty() ? "" : "\\x{5C}(?:" + out + ")";
  }

  Spelling spelling_;
  std::string out_;
};

// Where a match of a node that begins at one of some places can end.
class Finder {
 public:
  explicit Finder(std::vector<uint32_t> text) : text_(std::move(text)) {}

  using Places = std::vector<bool>;  // [length + 1]

  base::Result<Places> run(const Node& node, const Places& from) {
    if (++steps_ > kMaxSteps)
      return Error{Errc::usage, "too many repetitions to compare a text with"};
    Places to(from.size(), false);
    switch (node.kind) {
      case Kind::begin:
        to[0] = from[0];
        return to;
      case Kind::end:
        to.back() = from.back();
        return to;
      case Kind::set:
        if (!node.classes.empty() && !text_.empty())
          return Error{Errc::usage, node.classes[0] + " where a name has to be compared with it"};
        for (size_t i = 0; i < text_.size(); ++i)
          if (from[i] && contains(node.ranges, text_[i])) to[i + 1] = true;
        return to;
      case Kind::sequence: {
        Places places = from;
        for (const Node& child : node.children) {
          base::Result<Places> next = run(child, places);
          if (!next) return next;
          places = std::move(*next);
        }
        return places;
      }
      case Kind::choice:
        for (const Node& child : node.children) {
          const base::Result<Places> one = run(child, from);
          if (!one) return one;
          for (size_t i = 0; i < to.size(); ++i) to[i] = to[i] || (*one)[i];
        }
        return to;
      case Kind::repeat:
        break;
    }
    Places now = from;
    for (int i = 0; i < node.least; ++i) {
      base::Result<Places> next = run(node.children[0], now);
      if (!next) return next;
      if (*next == now) break;
      now = std::move(*next);
    }
    Places all = now;
    for (int i = node.least; node.most < 0 || i < node.most; ++i) {
      const base::Result<Places> next = run(node.children[0], now);
      if (!next) return next;
      now = *next;
      bool grew = false;
      for (size_t k = 0; k < all.size(); ++k) {
        grew = grew || (now[k] && !all[k]);
        all[k] = all[k] || now[k];
      }
      if (!grew) break;
    }
    return all;
  }

  size_t length() const { return text_.size(); }

 private:
  static constexpr int kMaxSteps = 200'000;
  std::vector<uint32_t> text_;
  int steps_ = 0;
};

}  // namespace

std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t c = length == 1 ? lead : lead & (0x7F >> length);
    for (size_t k = 1; k < length && i + k < text.size(); ++k)
      c = c << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3F);
    out.push_back(c);
    i += length;
  }
  return out;
}

std::string_view any_character(Spelling spelling) {
  return spelling == Spelling::plain
             ? R"((?s:.))"
             : R"((?:[^\x{0}-\x{1F}\x{22}\x{5C}]|\x{5C}(?:[\x{22}\x{5C}bfnrt]|u00[01][0-9a-f])))";
}

base::Result<Pattern> Pattern::parse(std::string_view text) {
  if (text.size() > kMaxPatternBytes)
    return Error{Errc::usage, "longer than " + std::to_string(kMaxPatternBytes) + " bytes"};
  base::Result<Node> root = Reader(text).read();
  if (!root) return root.error();
  return Pattern(std::move(*root));
}

base::Result<std::string> Pattern::regex(Spelling spelling) const {
  return Writer(spelling).write(root_);
}

base::Result<bool> Pattern::found_in(std::string_view text) const {
  Finder finder(code_points(text));
  const base::Result<Finder::Places> ends =
      finder.run(root_, Finder::Places(finder.length() + 1, true));
  if (!ends) return ends.error();
  return std::any_of(ends->begin(), ends->end(), [](bool end) { return end; });
}

}  // namespace model
