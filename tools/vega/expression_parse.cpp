// Reads the expression language of Vega: JavaScript's expressions without assignment, `new`,
// functions or methods. Operators by precedence climbing; every level of nesting counts against a
// bound, so a hostile text cannot exhaust the stack.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "base/utf8.h"
#include "tools/vega/expression_node.h"

namespace tools::vega {
namespace {

using base::Errc;
using base::Error;
using Node = Expression::Node;
using NodePtr = std::unique_ptr<Node>;

constexpr size_t kMaxLength = 20000;
constexpr int kMaxDepth = 100;
constexpr size_t kMaxNodes = 5000;

struct Operator {
  std::string_view text;
  int precedence;
  BinaryOp op;
};
// Longer ones before those that they begin with. Precedence 1 and 2 are || and &&.
constexpr Operator kOperators[] = {
    {">>>", 8, BinaryOp::shift_right_unsigned},
    {"===", 6, BinaryOp::same},
    {"!==", 6, BinaryOp::not_same},
    {"||", 1, BinaryOp::bit_or},
    {"&&", 2, BinaryOp::bit_and},
    {"==", 6, BinaryOp::equal},
    {"!=", 6, BinaryOp::not_equal},
    {"<=", 7, BinaryOp::less_equal},
    {">=", 7, BinaryOp::greater_equal},
    {"<<", 8, BinaryOp::shift_left},
    {">>", 8, BinaryOp::shift_right},
    {"|", 3, BinaryOp::bit_or},
    {"^", 4, BinaryOp::bit_xor},
    {"&", 5, BinaryOp::bit_and},
    {"<", 7, BinaryOp::less},
    {">", 7, BinaryOp::greater},
    {"+", 9, BinaryOp::add},
    {"-", 9, BinaryOp::subtract},
    {"*", 10, BinaryOp::multiply},
    {"/", 10, BinaryOp::divide},
    {"%", 10, BinaryOp::modulo},
};

struct Constant {
  std::string_view name;
  double value;
};
constexpr Constant kConstants[] = {
    {"NaN", std::numeric_limits<double>::quiet_NaN()},
    {"Infinity", std::numeric_limits<double>::infinity()},
    {"E", M_E},
    {"LN2", M_LN2},
    {"LN10", M_LN10},
    {"LOG2E", M_LOG2E},
    {"LOG10E", M_LOG10E},
    {"MAX_VALUE", std::numeric_limits<double>::max()},
    {"MIN_VALUE", std::numeric_limits<double>::denorm_min()},
    {"PI", M_PI},
    {"SQRT1_2", M_SQRT1_2},
    {"SQRT2", M_SQRT2},
};

bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool in_name(char c) { return starts_name(c) || base::is_digit(c); }

class Parser {
 public:
  Parser(std::string_view text, const std::vector<std::string>& extra)
      : text_(text), extra_(extra) {}

  NodePtr parse() {
    NodePtr node = conditional();
    skip_space();
    if (node && at_ < text_.size()) {
      char c = text_[at_];
      return fail(c == '=' ? "assignment is not allowed"
                           : "\"" + std::string(text_.substr(at_, 12)) + "\" is not expected here");
    }
    return node;
  }

  Error error_;
  std::vector<std::string> fields_, names_;

 private:
  struct Depth {
    explicit Depth(int& depth) : depth_(++depth) {}
    ~Depth() { --depth_; }
    int& depth_;
  };

  NodePtr fail(std::string message, Errc code = Errc::usage) {
    if (error_.message.empty()) {
      error_ = {code, "expression \"" + shortened() + "\", column " + std::to_string(at_ + 1) +
                          ": " + message};
    }
    return nullptr;
  }
  std::string shortened() const {
    return text_.size() <= 80 ? std::string(text_) : std::string(text_.substr(0, 77)) + "...";
  }

  NodePtr make(NodeKind kind) {
    if (++nodes_ > kMaxNodes) return fail("has more than 5000 parts", Errc::limit);
    NodePtr node = std::make_unique<Node>();
    node->kind = kind;
    return node;
  }

  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || (text_[at_] >= '\t' && text_[at_] <= '\r'))) {
      ++at_;
    }
  }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  NodePtr conditional() {
    Depth depth(depth_);
    if (depth_ > kMaxDepth) return fail("is nested deeper than 100", Errc::limit);
    NodePtr test = binary(1);
    if (!test || !accept('?')) return test;
    NodePtr node = make(NodeKind::conditional);
    NodePtr yes = node ? conditional() : nullptr;
    if (!yes) return nullptr;
    if (!accept(':')) return fail("\":\" is missing");
    NodePtr no = conditional();
    if (!no) return nullptr;
    node->children.push_back(std::move(test));
    node->children.push_back(std::move(yes));
    node->children.push_back(std::move(no));
    return node;
  }

  // The operator at this place; nullptr where there is none.
  const Operator* peek_operator() {
    static constexpr Operator kIn = {"in", 7, BinaryOp::in};
    skip_space();
    std::string_view rest = text_.substr(at_);
    for (const Operator& op : kOperators) {
      if (!rest.starts_with(op.text)) continue;
      // "+=" and the like are assignments, which parse() refuses.
      bool compares = op.precedence == 6 || op.precedence == 7;
      if (!compares && rest.size() > op.text.size() && rest[op.text.size()] == '=') return nullptr;
      return &op;
    }
    if (rest.starts_with("in") && (rest.size() == 2 || !in_name(rest[2]))) return &kIn;
    return nullptr;
  }

  NodePtr binary(int least) {
    Depth depth(depth_);
    if (depth_ > kMaxDepth) return fail("is nested deeper than 100", Errc::limit);
    NodePtr left = unary();
    int chain = 0;
    while (left) {
      const Operator* op = peek_operator();
      if (op == nullptr || op->precedence < least) break;
      // A chain makes a tree that is as deep as the chain is long.
      if (++chain > 200) return fail("has more than 200 operators in a row", Errc::limit);
      at_ += op->text.size();
      NodePtr right = binary(op->precedence + 1);
      if (!right) return nullptr;
      NodePtr node = make(op->precedence == 1   ? NodeKind::logical_or
                          : op->precedence == 2 ? NodeKind::logical_and
                                                : NodeKind::binary);
      if (!node) return nullptr;
      node->op = op->op;
      node->children.push_back(std::move(left));
      node->children.push_back(std::move(right));
      left = std::move(node);
    }
    return left;
  }

  NodePtr unary() {
    Depth depth(depth_);
    if (depth_ > kMaxDepth) return fail("is nested deeper than 100", Errc::limit);
    skip_space();
    char c = at_ < text_.size() ? text_[at_] : 0;
    if (c != '-' && c != '+' && c != '!' && c != '~') return postfix();
    if (at_ + 1 < text_.size() && (c == '-' || c == '+') && text_[at_ + 1] == c) {
      return fail("assignment is not allowed");
    }
    ++at_;
    NodePtr node = make(NodeKind::unary);
    NodePtr operand = node ? unary() : nullptr;
    if (!operand) return nullptr;
    node->text = c;
    node->children.push_back(std::move(operand));
    return node;
  }

  NodePtr postfix() {
    NodePtr node = primary();
    int chain = 0;
    while (node) {
      if (++chain > 100) return fail("is nested deeper than 100", Errc::limit);
      skip_space();
      bool on_datum = node->kind == NodeKind::datum;
      if (accept('.')) {
        skip_space();
        std::string name = read_name();
        if (name.empty()) return fail("a name is missing after \".\"");
        NodePtr outer = make(NodeKind::member);
        if (!outer) return nullptr;
        if (on_datum) add(fields_, name);
        outer->text = std::move(name);
        outer->children.push_back(std::move(node));
        node = std::move(outer);
      } else if (accept('[')) {
        NodePtr key = conditional();
        if (!key) return nullptr;
        if (!accept(']')) return fail("\"]\" is missing");
        bool fixed = key->kind == NodeKind::literal && key->value.is_string();
        NodePtr outer = make(fixed ? NodeKind::member : NodeKind::index);
        if (!outer) return nullptr;
        outer->children.push_back(std::move(node));
        if (fixed) {
          outer->text = key->value.get<std::string>();
          if (on_datum) add(fields_, outer->text);
        } else {
          outer->children.push_back(std::move(key));
        }
        node = std::move(outer);
      } else if (at_ < text_.size() && text_[at_] == '(') {
        return fail("methods cannot be called, only functions by name");
      } else {
        break;
      }
    }
    return node;
  }

  std::string read_name() {
    size_t start = at_;
    if (at_ < text_.size() && starts_name(text_[at_])) {
      while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }

  static void add(std::vector<std::string>& list, const std::string& name) {
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  }

  NodePtr primary() {
    skip_space();
    if (at_ >= text_.size()) return fail("ends too early");
    char c = text_[at_];
    if (base::is_digit(c) ||
        (c == '.' && at_ + 1 < text_.size() && base::is_digit(text_[at_ + 1]))) {
      return number();
    }
    if (c == '\'' || c == '"') {
      NodePtr node = make(NodeKind::literal);
      std::string value;
      if (!node || !string(value)) return nullptr;
      node->value = std::move(value);
      return node;
    }
    if (c == '(') {
      ++at_;
      NodePtr node = conditional();
      if (!node) return nullptr;
      if (!accept(')')) return fail("\")\" is missing");
      return node;
    }
    if (c == '[') return array();
    if (c == '{') return object();
    if (c == '/') return regexp();
    if (starts_name(c)) return name();
    return fail("\"" + std::string(1, c) + "\" is not expected here");
  }

  NodePtr literal(Row value) {
    NodePtr node = make(NodeKind::literal);
    if (node) node->value = std::move(value);
    return node;
  }

  NodePtr number() {
    size_t start = at_;
    std::string_view rest = text_.substr(at_);
    size_t length = 0;
    if (rest.size() > 2 && rest[0] == '0' &&
        std::string_view("xXoObB").find(rest[1]) != rest.npos) {
      length = 2;
      while (length < rest.size() && std::isxdigit(static_cast<unsigned char>(rest[length]))) {
        ++length;
      }
    } else {
      auto digits = [&] {
        while (length < rest.size() && base::is_digit(rest[length])) ++length;
      };
      digits();
      if (length < rest.size() && rest[length] == '.') {
        ++length;
        digits();
      }
      if (length < rest.size() && (rest[length] == 'e' || rest[length] == 'E')) {
        size_t mark = length++;
        if (length < rest.size() && (rest[length] == '+' || rest[length] == '-')) ++length;
        if (length < rest.size() && base::is_digit(rest[length])) {
          digits();
        } else {
          length = mark;
        }
      }
    }
    at_ += length;
    double value = text_number(rest.substr(0, length));
    if (std::isnan(value) || (at_ < text_.size() && in_name(text_[at_]))) {
      at_ = start;
      return fail("\"" + std::string(rest.substr(0, 12)) + "\" is not a number");
    }
    return literal(number_row(value));
  }

  bool hex(size_t count, uint32_t& out) {
    out = 0;
    for (size_t i = 0; i < count; ++i, ++at_) {
      if (at_ >= text_.size() || !std::isxdigit(static_cast<unsigned char>(text_[at_])))
        return false;
      char c = text_[at_];
      out = out * 16 + static_cast<uint32_t>(base::is_digit(c) ? c - '0' : (c | 32) - 'a' + 10);
    }
    return true;
  }

  bool string(std::string& out) {
    char quote = text_[at_++];
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ >= text_.size()) break;
      c = text_[at_++];
      uint32_t code = 0;
      switch (c) {
        case 'n':
          out += '\n';
          break;
        case 't':
          out += '\t';
          break;
        case 'r':
          out += '\r';
          break;
        case 'b':
          out += '\b';
          break;
        case 'f':
          out += '\f';
          break;
        case 'v':
          out += '\v';
          break;
        case '0':
          out += '\0';
          break;
        case 'x':
        case 'u': {
          bool braced = c == 'u' && at_ < text_.size() && text_[at_] == '{';
          bool ok = true;
          if (braced) {
            size_t end = text_.find('}', at_);
            size_t digits = end == text_.npos ? 0 : end - at_ - 1;
            ++at_;
            ok = digits >= 1 && digits <= 6 && hex(digits, code) && code <= 0x10FFFF;
            ++at_;
          } else {
            ok = hex(c == 'x' ? 2 : 4, code);
            // A surrogate pair is one character.
            if (ok && code >= 0xD800 && code < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
              uint32_t low = 0;
              at_ += 2;
              ok = hex(4, low) && low >= 0xDC00 && low < 0xE000;
              code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            }
          }
          if (!ok) {
            fail("escape in text is not complete");
            return false;
          }
          if (code >= 0xD800 && code < 0xE000) code = 0xFFFD;
          base::append_utf8(out, code);
          break;
        }
        case '\n':
          break;
        default:
          out += c;
      }
    }
    if (at_ >= text_.size()) {
      fail("text is not closed");
      return false;
    }
    ++at_;
    return true;
  }

  NodePtr array() {
    ++at_;
    NodePtr node = make(NodeKind::array);
    if (!node) return nullptr;
    if (accept(']')) return node;
    while (true) {
      NodePtr item = conditional();
      if (!item) return nullptr;
      node->children.push_back(std::move(item));
      if (accept(']')) return node;
      if (!accept(',')) return fail("\",\" or \"]\" is missing");
      if (accept(']')) return node;
    }
  }

  NodePtr object() {
    ++at_;
    NodePtr node = make(NodeKind::object);
    if (!node) return nullptr;
    if (accept('}')) return node;
    while (true) {
      skip_space();
      std::string key;
      char c = at_ < text_.size() ? text_[at_] : 0;
      if (c == '\'' || c == '"') {
        if (!string(key)) return nullptr;
      } else if (base::is_digit(c)) {
        NodePtr digits = number();
        if (!digits) return nullptr;
        key = to_text(digits->value);
      } else {
        key = read_name();
        if (key.empty()) return fail("a key is missing");
      }
      if (!accept(':')) return fail("\":\" is missing");
      NodePtr value = conditional();
      if (!value) return nullptr;
      node->keys.push_back(std::move(key));
      node->children.push_back(std::move(value));
      if (accept('}')) return node;
      if (!accept(',')) return fail("\",\" or \"}\" is missing");
    }
  }

  NodePtr regexp() {
    size_t start = ++at_;
    bool in_class = false;
    while (at_ < text_.size() && (text_[at_] != '/' || in_class)) {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) in_class = text_[at_] == '[' || (in_class && text_[at_] != ']');
      ++at_;
    }
    if (at_ >= text_.size()) return fail("regular expression is not closed");
    std::string pattern(text_.substr(start, at_ - start));
    ++at_;
    return literal(make_regexp(std::move(pattern), read_name()));
  }

  NodePtr name() {
    size_t start = at_;
    std::string name = read_name();
    if (accept('(')) return call(std::move(name), start);
    if (name == "this" || name == "new" || name == "function") {
      at_ = start;
      return fail("\"" + name + "\" is not allowed");
    }
    if (name == "datum") return make(NodeKind::datum);
    if (name == "parent") return make(NodeKind::parent);
    if (name == "true") return literal(true);
    if (name == "false") return literal(false);
    if (name == "null") return literal(nullptr);
    if (name == "undefined") return literal(undefined());
    for (const Constant& constant : kConstants) {
      if (constant.name == name) return literal(constant.value);
    }
    NodePtr node = make(NodeKind::name);
    if (!node) return nullptr;
    add(names_, name);
    node->text = std::move(name);
    return node;
  }

  NodePtr call(std::string name, size_t start) {
    bool lazy = name == "if";
    bool extra = std::find(extra_.begin(), extra_.end(), name) != extra_.end();
    const Function* function = lazy || extra ? nullptr : find_function(name);
    if (!lazy && !extra && function == nullptr) {
      at_ = start;
      return fail("there is no function \"" + name.substr(0, 60) + "\"");
    }
    NodePtr node = make(lazy    ? NodeKind::conditional
                        : extra ? NodeKind::extra_call
                                : NodeKind::call);
    if (!node) return nullptr;
    node->function = function;
    if (!accept(')')) {
      while (true) {
        NodePtr argument = conditional();
        if (!argument) return nullptr;
        node->children.push_back(std::move(argument));
        if (accept(')')) break;
        if (!accept(',')) return fail("\",\" or \")\" is missing");
      }
    }
    int n = static_cast<int>(node->children.size());
    int least = lazy ? 3 : function ? function->min_arguments : 0;
    int most = lazy ? 3 : function ? function->max_arguments : 1000;
    if (n < least || n > most) {
      return fail(name + "() takes " +
                  (least == most ? std::to_string(least)
                                 : std::to_string(least) + " to " + std::to_string(most)) +
                  " arguments, not " + std::to_string(n));
    }
    node->text = std::move(name);
    return node;
  }

  std::string_view text_;
  const std::vector<std::string>& extra_;
  size_t at_ = 0, nodes_ = 0;
  int depth_ = 0;
};

}  // namespace

base::Result<Expression> Expression::parse(std::string_view text,
                                           const std::vector<std::string>& extra_functions) {
  if (text.size() > kMaxLength) {
    return Error{Errc::limit, "expression is longer than 20000 bytes"};
  }
  Parser parser(text, extra_functions);
  std::unique_ptr<Node> root = parser.parse();
  if (!root) return parser.error_;
  Expression expression;
  expression.root_ = std::move(root);
  expression.fields_ = std::move(parser.fields_);
  expression.names_ = std::move(parser.names_);
  return expression;
}

}  // namespace tools::vega
