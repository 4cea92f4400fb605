// What clients send as schemas: whatever it is, it becomes a grammar or is refused with a sentence,
// for JSON and for the arguments of a call, and the engine can read the grammar. A value may follow
// after a line "---": the reader of schemas says whether it fits.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "model/grammar/grammar.h"
#include "model/grammar/json_schema.h"
#include "model/grammar/schema.h"
#include "model/grammar/schema_rules.h"

namespace {

using namespace model;
using nlohmann::ordered_json;

constexpr int kFirstByte = 10;

void check(bool fine) {
  if (!fine) std::abort();
}

const GrammarVocabulary& vocabulary() {
  static const GrammarVocabulary vocabulary = std::move(*GrammarVocabulary::build(
      {.vocab_size = kFirstByte + 256,
       .bytes_of =
           [](int32_t id) {
             return id < kFirstByte ? "" : std::string(1, static_cast<char>(id - kFirstByte));
           },
       .is_special = [](int32_t id) { return id < kFirstByte; }}));
  return vocabulary;
}

// A grammar that is too much for the engine says so; nothing else may be wrong with it.
void compile(const base::Result<std::string>& grammar) {
  if (!grammar) {
    check(grammar.error().code == base::Errc::usage);
    check(grammar.error().message.size() > 10);
    return;
  }
  if (grammar->size() > 20'000) return;
  base::Result<Constraint> constraint = Constraint::compile(vocabulary(), *grammar);
  if (!constraint) {
    check(constraint.error().message.find("ndefined") == std::string::npos);
    check(constraint.error().message.find("nexpected") == std::string::npos);
    return;
  }
  TokenMask mask;
  if (!constraint->mask(mask)) return;
  check(mask.count() > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t cut = text.find("\n---\n");
  const std::string_view schema = text.substr(0, cut);
  compile(grammar_of_schema(schema, {3}));
  const ordered_json document = ordered_json::parse(schema, nullptr, false);
  if (document.is_discarded()) return 0;
  SchemaRules rules({.spelling = Spelling::plain, .quote = 7, .closed = true}, 'a');
  const base::Result<std::string> object = rules.add_object(document);
  if (object && !object->empty())
    compile("start: " + *object + " <[3]>\n" + rules.rules());
  else if (!object)
    compile(object);

  if (cut == std::string_view::npos) return 0;
  const ordered_json value = ordered_json::parse(text.substr(cut + 5), nullptr, false);
  if (value.is_discarded()) return 0;
  SchemaReader reader(document);
  if (!reader.check()) return 0;
  (void)reader.fits(value, Schemas{&document});
  return 0;
}
