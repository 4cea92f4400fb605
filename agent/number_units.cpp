#include "agent/number_units.h"

#include <string>

#include "agent/spelled_numbers.h"

namespace agent {
namespace {

struct Named {
  std::string_view word;
  Unit unit;
};

constexpr Named kUnits[] = {
    {"mg", {"mg", 'm', 1e-3}},
    {"g", {"g", 'm', 1}},
    {"gram", {"g", 'm', 1}},
    {"grams", {"g", 'm', 1}},
    {"kg", {"kg", 'm', 1e3}},
    {"kilogram", {"kg", 'm', 1e3}},
    {"kilograms", {"kg", 'm', 1e3}},
    {"kilos", {"kg", 'm', 1e3}},
    {"t", {"t", 'm', 1e6}},
    {"ton", {"t", 'm', 1e6}},
    {"tons", {"t", 'm', 1e6}},
    {"tonne", {"t", 'm', 1e6}},
    {"tonnes", {"t", 'm', 1e6}},
    {"tonnen", {"t", 'm', 1e6}},
    {"mm", {"mm", 'l', 1e-3}},
    {"cm", {"cm", 'l', 1e-2}},
    {"m", {"m", 'l', 1}},
    {"meters", {"m", 'l', 1}},
    {"metres", {"m", 'l', 1}},
    {"meter", {"m", 'l', 1}},
    {"km", {"km", 'l', 1e3}},
    {"kilometers", {"km", 'l', 1e3}},
    {"kilometres", {"km", 'l', 1e3}},
    {"ml", {"ml", 'v', 1e-3}},
    {"l", {"l", 'v', 1}},
    {"liters", {"l", 'v', 1}},
    {"litres", {"l", 'v', 1}},
    {"liter", {"l", 'v', 1}},
    {"hl", {"hl", 'v', 100}},
    {"ms", {"ms", 't', 1e-3}},
    {"s", {"s", 't', 1}},
    {"sec", {"s", 't', 1}},
    {"seconds", {"s", 't', 1}},
    {"sekunden", {"s", 't', 1}},
    {"min", {"min", 't', 60}},
    {"minutes", {"min", 't', 60}},
    {"minuten", {"min", 't', 60}},
    {"h", {"h", 't', 3600}},
    {"hours", {"h", 't', 3600}},
    {"hour", {"h", 't', 3600}},
    {"stunden", {"h", 't', 3600}},
    {"days", {"d", 't', 86400}},
    {"tage", {"d", 't', 86400}},
    {"kb", {"kb", 'd', 1e3}},
    {"mb", {"mb", 'd', 1e6}},
    {"gb", {"gb", 'd', 1e9}},
    {"tb", {"tb", 'd', 1e12}},
    {"bytes", {"b", 'd', 1}},
    {"wh", {"wh", 'e', 1}},
    {"kwh", {"kwh", 'e', 1e3}},
    {"mwh", {"mwh", 'e', 1e6}},
    {"gwh", {"gwh", 'e', 1e9}},
    {"w", {"w", 'p', 1}},
    {"kw", {"kw", 'p', 1e3}},
    {"mw", {"mw", 'p', 1e6}},
    {"gw", {"gw", 'p', 1e9}},
};

}  // namespace

const Unit* find_unit(std::string_view word) {
  if (word.empty() || word.size() > 12) return nullptr;
  const std::string lower = lower_case(word);
  for (const Named& named : kUnits)
    if (named.word == lower) return &named.unit;
  return nullptr;
}

double magnitude_of(std::string_view word, bool attached) {
  if (attached) {
    if (word == "k" || word == "K") return 1e3;
    if (word == "M" || word == "m") return 1e6;
    if (word == "B") return 1e9;
  }
  const std::string lower = lower_case(word.substr(0, 16));
  for (const char* one : {"thousand", "thousands", "tsd", "tausend", "t\xe2\x82\xac", "mille"})
    if (lower == one) return 1e3;
  for (const char* one : {"million", "millions", "mn", "mio", "mln", "millionen"})
    if (lower == one) return 1e6;
  for (const char* one : {"billion", "billions", "bn", "mrd", "milliarde", "milliarden"})
    if (lower == one) return 1e9;
  return 1;
}

}  // namespace agent
