// The answer is one regular expression, because the engine's lexer does not look ahead: whether
// "girls_2024" is a word of the list or the text "girls_" is known only at its end.
//
//   answer = text | (text BEFORE)? item (AFTER text? BEFORE item)* (AFTER text?)?
//
// `text` has no digit of any script. BEFORE is a character that can stand before a number without
// changing it (not a minus, a point or a letter), AFTER one that can follow it (not a letter). Two
// items have at least one of each between them, so neither "3.5", "3,5" nor "3 500" can be made of
// shorter numbers.
#include "agent/script_grammar.h"

#include <set>

namespace agent {

std::string answer_grammar(const AnswerWords& allowed) {
  std::set<std::string> items;
  for (const auto* list : {&allowed.numbers, &allowed.words}) {
    for (const std::string& item : *list) {
      bool plain = !item.empty() && item.size() <= 120;
      for (char c : item) plain = plain && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
      // A name that is not UTF-8 cannot stand in a grammar; its digits are then left out of the
      // answer.
      if (plain && lua_quoted(item).find("\\x") == std::string::npos) items.insert(item);
    }
  }
  std::string out = "start: ANSWER <[106]>\n";
  out += "TEXT: /[^\\p{N}\\x00-\\x09\\x0B-\\x1F\\x7F]+/\n";
  if (items.empty()) return out + "ANSWER: TEXT\n";
  out += "BEFORE: /[ \\n(\"'$\u20ac\u00a3#~\u2248\u201c\u2018:=<>\u00b1\\[]/\n";
  out += "AFTER: /[^\\p{N}\\p{L}_\\x00-\\x09\\x0B-\\x1F\\x7F]/\n";
  out += "ITEM: ";
  bool first = true;
  for (const std::string& item : items) {
    out += (first ? "" : " | ") + lark_quoted(item);
    first = false;
  }
  out += "\nANSWER: TEXT | (TEXT? BEFORE)? ITEM (AFTER TEXT? BEFORE ITEM)* (AFTER TEXT?)?\n";
  return out;
}

}  // namespace agent
