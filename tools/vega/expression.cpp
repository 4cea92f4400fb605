// Evaluates an expression's tree with JavaScript's operators. Paths below datum are followed
// without copying what they pass, so a filter over a large table touches only the values it names.
#include "tools/vega/expression.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "tools/vega/expression_node.h"

namespace tools::vega {

double Random::next() {
  // SplitMix64: a counter through a mixing function.
  uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;
}

namespace {

using base::Errc;
using Node = Expression::Node;

Row evaluate(const Node& node, Evaluation& evaluation);

const Row& undefined_row() {
  static const Row value = undefined();
  return value;
}

// A value that already exists somewhere; nullptr where the node has to be computed.
const Row* existing(const Node& node, Evaluation& e) {
  switch (node.kind) {
    case NodeKind::literal:
      return &node.value;
    case NodeKind::datum:
      return e.scope.datum != nullptr ? e.scope.datum : &undefined_row();
    case NodeKind::parent:
      return e.scope.parent != nullptr ? e.scope.parent : &undefined_row();
    case NodeKind::name: {
      if (e.scope.names != nullptr && e.scope.names->is_object()) {
        auto it = e.scope.names->find(node.text);
        if (it != e.scope.names->end()) return &*it;
      }
      e.fail(Errc::usage, "expression names \"" + node.text.substr(0, 60) +
                              "\", which is no parameter of this chart");
      return &undefined_row();
    }
    case NodeKind::member: {
      const Row* object = existing(*node.children[0], e);
      if (object == nullptr || object->is_string() || object->is_array()) return nullptr;
      if (is_nullish(*object)) {
        // JavaScript throws for null.x; a chart is better served by a missing value.
        return &undefined_row();
      }
      if (!object->is_object()) return &undefined_row();
      auto it = object->find(node.text);
      return it == object->end() ? &undefined_row() : &*it;
    }
    default:
      return nullptr;
  }
}

// The value of the node, in `storage` where it has to be computed.
const Row& value_of(const Node& node, Evaluation& e, Row& storage) {
  if (const Row* found = existing(node, e)) return *found;
  storage = evaluate(node, e);
  return storage;
}

Row member_of(const Row& object, const std::string& key) {
  if (object.is_object()) {
    auto it = object.find(key);
    return it == object.end() ? undefined() : *it;
  }
  if (object.is_string() || object.is_array()) {
    bool text = object.is_string();
    if (key == "length") {
      return text ? Row(utf16_length(object.get_ref<const std::string&>())) : Row(object.size());
    }
    size_t index = 0;
    auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error != std::errc() || end != key.data() + key.size()) return undefined();
    if (!text) return index < object.size() ? object[index] : undefined();
    const std::string& whole = object.get_ref<const std::string&>();
    if (index >= whole.size()) return undefined();
    std::string one = utf16_substring(whole, static_cast<int>(index), static_cast<int>(index) + 1);
    return one.empty() ? undefined() : Row(one);
  }
  return undefined();
}

int32_t to_int32(double value) {
  if (!std::isfinite(value)) return 0;
  double wrapped = std::fmod(std::trunc(value), 4294967296.0);
  if (wrapped < 0) wrapped += 4294967296.0;
  return static_cast<int32_t>(static_cast<uint32_t>(wrapped));
}

bool is_textual(const Row& value) { return value.is_string() || value.is_structured(); }

// a < b as JavaScript has it; unordered is false.
bool less(const Row& a, const Row& b, bool or_equal) {
  if (is_textual(a) && is_textual(b)) {
    int order = to_text(a).compare(to_text(b));
    return or_equal ? order <= 0 : order < 0;
  }
  double u = to_number(a), v = to_number(b);
  return or_equal ? u <= v : u < v;
}

Row binary(BinaryOp op, const Row& a, const Row& b, Evaluation& e) {
  auto ints = [&](auto f) { return Row(f(to_int32(to_number(a)), to_int32(to_number(b)))); };
  auto shift = [&] { return static_cast<uint32_t>(to_int32(to_number(b))) & 31u; };
  switch (op) {
    case BinaryOp::add: {
      if (!is_textual(a) && !is_textual(b)) return to_number(a) + to_number(b);
      std::string left = to_text(a), right = to_text(b);
      if (left.size() + right.size() > kMaxValue) {
        return e.fail(Errc::limit, "expression makes a text longer than 1000000 bytes");
      }
      return left + right;
    }
    case BinaryOp::subtract:
      return to_number(a) - to_number(b);
    case BinaryOp::multiply:
      return to_number(a) * to_number(b);
    case BinaryOp::divide:
      return to_number(a) / to_number(b);
    case BinaryOp::modulo:
      return std::fmod(to_number(a), to_number(b));
    case BinaryOp::less:
      return less(a, b, false);
    case BinaryOp::greater:
      return less(b, a, false);
    case BinaryOp::less_equal:
      return less(a, b, true);
    case BinaryOp::greater_equal:
      return less(b, a, true);
    case BinaryOp::equal:
      return loosely_equal(a, b);
    case BinaryOp::not_equal:
      return !loosely_equal(a, b);
    case BinaryOp::same:
      return (is_undefined(a) && is_undefined(b)) || strictly_equal(a, b);
    case BinaryOp::not_same:
      return !((is_undefined(a) && is_undefined(b)) || strictly_equal(a, b));
    case BinaryOp::bit_and:
      return ints([](int32_t u, int32_t v) { return u & v; });
    case BinaryOp::bit_or:
      return ints([](int32_t u, int32_t v) { return u | v; });
    case BinaryOp::bit_xor:
      return ints([](int32_t u, int32_t v) { return u ^ v; });
    case BinaryOp::shift_left:
      return static_cast<int32_t>(static_cast<uint32_t>(to_int32(to_number(a))) << shift());
    case BinaryOp::shift_right:
      return to_int32(to_number(a)) >> shift();
    case BinaryOp::shift_right_unsigned:
      return static_cast<uint32_t>(to_int32(to_number(a))) >> shift();
    case BinaryOp::in:
      return b.is_object()  ? Row(b.contains(to_text(a)))
             : b.is_array() ? Row(!is_undefined(member_of(b, to_text(a))))
                            : Row(false);
  }
  return undefined();
}

// undefined has no place inside of arrays and objects that leave the evaluation.
Row stored(Row value) { return is_undefined(value) ? Row() : value; }

// What holding on to a value costs: four units per element, one per sixteen bytes of text.
uint64_t size_units(const Row& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().size() / 16;
  return value.is_structured() ? 4 * value.size() : 0;
}

bool pay(Evaluation& e, uint64_t units) {
  if (e.scope.budget == nullptr || e.scope.budget->spend(units)) return true;
  const base::Error error = Budget::error();
  e.fail(error.code, error.message);
  return false;
}

Row evaluate(const Node& node, Evaluation& e) {
  if (e.failed || !pay(e, 1)) return undefined();
  if (const Row* found = existing(node, e)) {
    if (found->is_structured() || found->is_string()) pay(e, size_units(*found));
    return *found;
  }
  switch (node.kind) {
    case NodeKind::member: {
      Row storage;
      return member_of(value_of(*node.children[0], e, storage), node.text);
    }
    case NodeKind::index: {
      Row object, key;
      const Row& of = value_of(*node.children[0], e, object);
      return member_of(of, to_text(value_of(*node.children[1], e, key)));
    }
    case NodeKind::call:
    case NodeKind::extra_call: {
      Arguments arguments;
      arguments.reserve(node.children.size());
      for (const auto& child : node.children) arguments.push_back(evaluate(*child, e));
      if (e.failed) return undefined();
      if (node.kind == NodeKind::call) {
        Row result = node.function->call(e, arguments);
        pay(e, size_units(result));
        return result;
      }
      if (e.scope.functions != nullptr) {
        if (auto result = (*e.scope.functions)(node.text, arguments)) {
          if (!*result) return e.fail(result->error().code, result->error().message);
          return std::move(**result);
        }
      }
      return e.fail(Errc::usage, "function \"" + node.text + "\" cannot be used here");
    }
    case NodeKind::unary: {
      Row storage;
      const Row& value = value_of(*node.children[0], e, storage);
      switch (node.text[0]) {
        case '!':
          return !to_boolean(value);
        case '-':
          return -to_number(value);
        case '~':
          return ~to_int32(to_number(value));
        default:
          return to_number(value);
      }
    }
    case NodeKind::binary: {
      Row left, right;
      const Row& a = value_of(*node.children[0], e, left);
      const Row& b = value_of(*node.children[1], e, right);
      return binary(node.op, a, b, e);
    }
    case NodeKind::logical_and: {
      Row left = evaluate(*node.children[0], e);
      return to_boolean(left) ? evaluate(*node.children[1], e) : left;
    }
    case NodeKind::logical_or: {
      Row left = evaluate(*node.children[0], e);
      return to_boolean(left) ? left : evaluate(*node.children[1], e);
    }
    case NodeKind::conditional: {
      Row storage;
      bool yes = to_boolean(value_of(*node.children[0], e, storage));
      return evaluate(*node.children[yes ? 1 : 2], e);
    }
    case NodeKind::array: {
      Row out = Row::array();
      for (const auto& child : node.children) out.push_back(stored(evaluate(*child, e)));
      return out;
    }
    case NodeKind::object: {
      Row out = Row::object();
      for (size_t i = 0; i < node.keys.size(); ++i) {
        out[node.keys[i]] = stored(evaluate(*node.children[i], e));
      }
      return out;
    }
    default:
      return undefined();
  }
}

}  // namespace

base::Result<Row> Expression::evaluate(const Scope& scope) const {
  Evaluation evaluation{scope};
  if (!root_) return Row();
  Row value = vega::evaluate(*root_, evaluation);
  if (evaluation.failed) return evaluation.error;
  if (is_undefined(value)) return Row();
  if (value.is_number_float()) return number_row(value.get<double>());
  return value;
}

base::Result<bool> Expression::test(const Scope& scope) const {
  Evaluation evaluation{scope};
  if (!root_) return false;
  Row storage;
  bool yes = to_boolean(value_of(*root_, evaluation, storage));
  if (evaluation.failed) return evaluation.error;
  return yes;
}

}  // namespace tools::vega
