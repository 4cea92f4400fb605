#include "model/tokenizer_json.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include "base/json.h"

#include "base/file.h"

// The file is large (33 MB for Gemma: 262,144 pieces, 514,906 merges), so it is read event by event
// and its strings go into one buffer; a tree of it would take ten times the space. Of interest are
//   "model":        {"type": "BPE", "vocab": {piece: id, …}, "merges": ["a b", …] or [["a", "b"],
//   …]} "added_tokens": [{"id": …, "content": …, "special": …}, …] "normalizer":   which must do no
//   more than write a space as U+2581

namespace model {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 29;
constexpr int64_t kMaxId = (1 << 24) - 1;
constexpr size_t kMaxNesting = 64;
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581

/// Seven special tokens of Gemma 4 that checkpoints in GGUF mark "user-defined", so that a reply
/// shows them.
bool is_visible_special(std::string_view text) {
  return text == "<|channel>" || text == "<channel|>" || text == "<|tool_call>" ||
         text == "<tool_call|>" || text == "<|tool_response>" || text == "<tool_response|>" ||
         text == "<|\"|>";
}

bool is_byte(std::string_view piece) {
  return piece.size() == 6 && piece.starts_with("<0x") && piece[5] == '>' &&
         piece.find_first_not_of("0123456789ABCDEFabcdef", 3) == 5;
}

bool is_unused(std::string_view piece) {
  return piece.starts_with("<unused") && piece.ends_with('>') && piece.size() > 8 &&
         piece.find_first_not_of("0123456789", 7) == piece.size() - 1;
}

/// A run of U+2581 as that many spaces; empty if it is anything else.
std::string as_spaces(std::string_view piece) {
  std::string spaces;
  while (piece.starts_with(kSpaceMark)) {
    piece.remove_prefix(kSpaceMark.size());
    spaces += ' ';
  }
  return piece.empty() ? spaces : "";
}

}  // namespace

/// Takes the events of the parser apart.
class TokenizerJsonReader : public nlohmann::json_sax<json> {
 public:
  TokenizerJsonReader(TokenizerJson& out, const std::string& name) : out_(out), name_(name) {}

  base::Status finish() {
    if (failed_) return *failed_;
    if (type_ != "BPE")
      return Error{Errc::unsupported,
                   name_ + ": model.type: \"" + type_.substr(0, 40) + "\", expected \"BPE\""};
    if (vocab_.empty()) return Error{Errc::corrupt, name_ + ": model.vocab: missing or empty"};
    if (normalizer_failed_)
      return Error{Errc::unsupported,
                   name_ + ": normalizer: expected only the replacement of spaces by U+2581"};
    // Ids may have holes, but few: the tables are as long as the largest id.
    int64_t largest = 0;
    for (const auto& [text, id] : vocab_) largest = std::max(largest, id);
    for (const Added& a : added_) largest = std::max(largest, a.id);
    if (largest > 2 * static_cast<int64_t>(vocab_.size() + added_.size()) + 1024)
      return Error{Errc::corrupt, name_ + ": model.vocab: id " + std::to_string(largest) +
                                      " among " + std::to_string(vocab_.size()) + " pieces"};
    out_.pieces_.resize(static_cast<size_t>(largest) + 1);
    out_.kinds_.assign(out_.pieces_.size(), PieceKind::unused);
    for (const auto& [text, id] : vocab_) {
      const auto i = static_cast<size_t>(id);
      if (out_.kinds_[i] != PieceKind::unused)
        return Error{Errc::corrupt,
                     name_ + ": model.vocab: two pieces have the id " + std::to_string(id)};
      out_.pieces_[i] = text;
      out_.kinds_[i] = is_byte(out_.view(text)) ? PieceKind::byte : PieceKind::normal;
    }
    for (const Added& a : added_) {
      const auto i = static_cast<size_t>(a.id);
      const std::string text(out_.view(a.content));
      const std::string spaces = as_spaces(text);
      // A run of newlines or spaces is cut out of the text before anything else; a run of spaces is
      // looked for as such, since nothing is normalized yet.
      out_.pieces_[i] = spaces.empty() ? a.content : append(spaces);
      out_.kinds_[i] =
          (a.special && !is_visible_special(text)) || is_unused(text) || text == "<mask>"
              ? PieceKind::control
              : PieceKind::user_defined;
    }
    return base::Ok{};
  }

  bool null() override { return value(); }
  bool boolean(bool v) override {
    if (at(Section::added_entry) && key_ == "special") current_.special = v;
    return value();
  }
  bool number_integer(json::number_integer_t) override { return number(-1); }
  bool number_unsigned(json::number_unsigned_t v) override {
    return number(v > static_cast<uint64_t>(kMaxId) ? -1 : static_cast<int64_t>(v));
  }
  bool number_float(json::number_float_t, const std::string&) override { return number(-1); }
  bool string(std::string& v) override {
    switch (section()) {
      case Section::model:
        if (key_ == "type") type_ = v;
        break;
      case Section::merges:
        if (v.find(' ') == std::string::npos) return fail("model.merges: an entry without a space");
        return add_merge(append(v));
      case Section::merge_pair:
        if (++pair_size_ > 2) return fail("model.merges: an entry is not a pair");
        pair_ += pair_size_ == 2 ? " " + v : v;
        break;
      case Section::added_entry:
        if (key_ == "content") current_.content = append(v);
        break;
      case Section::vocab:
        return fail("model.vocab: an id is not a number");
      case Section::normalizer:
        if (key_ == "type" && v != "Replace" && v != "Sequence") normalizer_failed_ = true;
        if (key_ == "content" && v != kSpaceMark) normalizer_failed_ = true;
        break;
      default:
        break;
    }
    return true;
  }
  bool binary(json::binary_t&) override { return true; }

  bool start_object(size_t) override {
    Section next = Section::other;
    if (stack_.empty())
      next = Section::top;
    else if (at(Section::top) && key_ == "model")
      next = Section::model;
    else if (at(Section::top) && key_ == "normalizer")
      next = Section::normalizer;
    else if (at(Section::model) && key_ == "vocab")
      next = Section::vocab;
    else if (at(Section::normalizer))
      next = Section::normalizer;
    else if (at(Section::added)) {
      next = Section::added_entry;
      current_ = {};
    } else if (at(Section::vocab) || at(Section::merges) || at(Section::merge_pair)) {
      return fail("model.vocab or model.merges: an object where there is none");
    }
    return push(next);
  }
  bool key(std::string& v) override {
    if (at(Section::vocab)) {
      piece_ = append(v);
    } else {
      key_ = v;
    }
    return true;
  }
  bool end_object() override {
    if (at(Section::added_entry)) {
      if (current_.id < 0 || current_.content.bytes == 0)
        return fail("added_tokens: an entry without id or content");
      added_.push_back(current_);
    }
    stack_.pop_back();
    return true;
  }
  bool start_array(size_t) override {
    Section next = Section::other;
    if (at(Section::model) && key_ == "merges")
      next = Section::merges;
    else if (at(Section::top) && key_ == "added_tokens")
      next = Section::added;
    else if (at(Section::normalizer))
      next = Section::normalizer;
    else if (at(Section::merges)) {
      next = Section::merge_pair;
      pair_.clear();
      pair_size_ = 0;
    } else if (at(Section::vocab) || at(Section::merge_pair)) {
      return fail("model.vocab or model.merges: a list where there is none");
    }
    return push(next);
  }
  bool end_array() override {
    if (at(Section::merge_pair)) {
      if (pair_size_ != 2) return fail("model.merges: an entry is not a pair");
      stack_.pop_back();
      return add_merge(append(pair_));
    }
    stack_.pop_back();
    return true;
  }
  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    return fail("not JSON, at byte " + std::to_string(position));
  }

 private:
  enum class Section : uint8_t {
    none,
    other,
    top,
    model,
    vocab,
    merges,
    merge_pair,
    added,
    added_entry,
    normalizer
  };
  struct Added {
    int64_t id = -1;
    TokenizerJson::Text content = {};
    bool special = false;
  };

  Section section() const { return stack_.empty() ? Section::none : stack_.back(); }
  bool at(Section s) const { return section() == s; }
  bool push(Section s) {
    if (stack_.size() >= kMaxNesting) return fail("nested too deeply");
    stack_.push_back(s);
    return true;
  }
  bool fail(const std::string& what) {
    if (!failed_) failed_ = Error{Errc::corrupt, name_ + ": " + what};
    return false;
  }
  /// A value of a kind that a list of pieces or merges cannot hold.
  bool value() {
    return at(Section::vocab) || at(Section::merges) || at(Section::merge_pair)
               ? fail("model.vocab or model.merges: a value of another kind")
               : true;
  }
  bool number(int64_t v) {
    if (at(Section::merges) || at(Section::merge_pair)) return value();
    if (at(Section::vocab)) {
      if (v < 0) return fail("model.vocab: an id is out of range");
      vocab_.emplace_back(piece_, v);
    } else if (at(Section::added_entry) && key_ == "id") {
      if (v < 0) return fail("added_tokens: an id is out of range");
      current_.id = v;
    }
    return true;
  }
  bool add_merge(TokenizerJson::Text text) {
    out_.merges_.push_back(text);
    return true;
  }
  TokenizerJson::Text append(std::string_view text) {
    const TokenizerJson::Text t{out_.characters_.size(), text.size()};
    out_.characters_ += text;
    return t;
  }

  TokenizerJson& out_;
  const std::string& name_;
  std::vector<Section> stack_;
  std::string key_, type_, pair_;
  int pair_size_ = 0;
  TokenizerJson::Text piece_;
  Added current_;
  std::vector<std::pair<TokenizerJson::Text, int64_t>> vocab_;
  std::vector<Added> added_;
  bool normalizer_failed_ = false;
  std::optional<Error> failed_;
};

base::Result<TokenizerJson> TokenizerJson::parse(std::string_view text, const std::string& name) {
  TokenizerJson tokenizer;
  TokenizerJsonReader reader(tokenizer, name);
  // A failed read leaves its reason in the reader.
  (void)json::sax_parse(text.begin(), text.end(), &reader);
  const base::Status read = reader.finish();
  if (!read) return read.error();
  return tokenizer;
}

base::Result<TokenizerJson> TokenizerJson::open(const std::filesystem::path& path) {
  const base::Result<std::string> text = base::read_file(path, kMaxFileBytes);
  if (!text) return text.error();
  return parse(*text, path.filename().string());
}

Vocabulary TokenizerJson::vocabulary(size_t n_pieces) const {
  Vocabulary v{.model = "gemma4"};
  const size_t n = std::min(n_pieces, pieces_.size());
  v.pieces.reserve(n_pieces);
  for (size_t i = 0; i < n; ++i) v.pieces.push_back(view(pieces_[i]));
  v.pieces.resize(n_pieces);
  v.kinds.assign(kinds_.begin(), kinds_.begin() + static_cast<int64_t>(n));
  v.kinds.resize(n_pieces, PieceKind::unused);
  v.merges.reserve(merges_.size());
  for (const Text& merge : merges_) v.merges.push_back(view(merge));
  return v;
}

namespace {

/// The merges a vocabulary with scores stands for: every way to put a normal piece together from
/// two others, best piece first, then by the places of the parts, as Hugging Face's converter does
/// it.
std::vector<std::pair<std::string, std::string>> merges_of_scores(const Vocabulary& v) {
  std::unordered_map<std::string, int32_t> ids;
  for (size_t i = 0; i < v.pieces.size(); ++i) {
    if (v.kinds[i] == PieceKind::normal || v.kinds[i] == PieceKind::user_defined) {
      std::string text(v.pieces[i]);
      if (text.find_first_not_of(' ') == std::string::npos) {
        std::string marks;
        for (size_t n = 0; n < text.size(); ++n) marks += kSpaceMark;
        text = marks;
      }
      ids.emplace(std::move(text), static_cast<int32_t>(i));
    }
  }
  struct Merge {
    float score;
    int32_t whole, left, right;
  };
  std::vector<Merge> merges;
  for (const auto& [text, id] : ids) {
    for (size_t cut = 1; cut < text.size(); ++cut) {
      if ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) continue;
      const auto left = ids.find(text.substr(0, cut));
      if (left == ids.end()) continue;
      const auto right = ids.find(text.substr(cut));
      if (right == ids.end()) continue;
      merges.push_back({v.scores[static_cast<size_t>(id)], id, left->second, right->second});
    }
  }
  std::unordered_map<int32_t, const std::string*> texts;
  for (const auto& [text, id] : ids) texts.emplace(id, &text);
  // Runs of newlines, spaces and tabs have no score: they are put together before anything else,
  // the longest parts first. Then the best piece first, and of its parts the longest left one.
  auto run = [&v](const Merge& m) {
    return v.kinds[static_cast<size_t>(m.whole)] == PieceKind::user_defined;
  };
  std::sort(merges.begin(), merges.end(), [&](const Merge& a, const Merge& b) {
    const bool run_a = run(a), run_b = run(b);
    if (run_a != run_b) return run_a;
    if (!run_a && a.score != b.score) return a.score > b.score;
    const size_t left_a = texts[a.left]->size(), left_b = texts[b.left]->size();
    if (!run_a && a.whole != b.whole) return a.whole < b.whole;
    if (left_a != left_b) return left_a > left_b;
    const size_t right_a = texts[a.right]->size(), right_b = texts[b.right]->size();
    if (right_a != right_b) return right_a > right_b;
    return a.whole < b.whole;
  });
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(merges.size());
  for (const Merge& m : merges) out.emplace_back(*texts[m.left], *texts[m.right]);
  return out;
}

}  // namespace

std::string write_tokenizer_json(const Vocabulary& v) {
  using ordered = nlohmann::ordered_json;
  auto dump = [](const auto& value) {
    return ordered(value).dump(-1, ' ', false, json::error_handler_t::replace);
  };
  auto spelled = [](std::string_view piece) {
    std::string text(piece);
    if (!text.empty() && text.find_first_not_of(' ') == std::string::npos) {
      std::string marks;
      for (size_t n = 0; n < text.size(); ++n) marks += kSpaceMark;
      return marks;
    }
    return text;
  };
  std::string out = "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[";
  bool first = true;
  for (size_t i = 0; i < v.pieces.size(); ++i) {
    const PieceKind kind = v.kinds[i];
    const bool special =
        kind == PieceKind::control || kind == PieceKind::unknown || is_visible_special(v.pieces[i]);
    if (!special && kind != PieceKind::user_defined) continue;
    out += first ? "\n" : ",\n";
    first = false;
    out += "{\"id\":" + std::to_string(i) + ",\"content\":" + dump(spelled(v.pieces[i])) +
           ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,"
           "\"special\":" +
           (special ? "true" : "false") + "}";
  }
  out +=
      "],\n\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\" "
      "\"},\"content\":\"\u2581\"},"
      "\n\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\" "
      "\"},\"behavior\":\"MergedWithPrevious\",\"invert\":false},"
      "\n\"post_processor\":null,"
      "\n\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{"
      "\"String\":\"\u2581\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]},"
      "\n\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":\"<unk>\","
      "\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":true,"
      "\"byte_fallback\":true,\"ignore_merges\":false,\"vocab\":{";
  first = true;
  for (size_t i = 0; i < v.pieces.size(); ++i) {
    if (v.pieces[i].empty()) continue;
    out += first ? "\n" : ",\n";
    first = false;
    out += dump(spelled(v.pieces[i])) + ":" + std::to_string(i);
  }
  out += "},\n\"merges\":[";
  first = true;
  auto add = [&](const std::string& left, const std::string& right) {
    out += first ? "\n[" : ",\n[";
    first = false;
    out += dump(left) + "," + dump(right) + "]";
  };
  if (v.model == "llama") {
    for (const auto& [left, right] : merges_of_scores(v)) add(left, right);
  } else {
    for (const std::string_view merge : v.merges) {
      const size_t cut = merge.find(' ', 1);
      if (cut == std::string_view::npos) continue;
      add(std::string(merge.substr(0, cut)), std::string(merge.substr(cut + 1)));
    }
  }
  out += "]}}\n";
  return out;
}

}  // namespace model
