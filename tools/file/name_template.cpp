#include "tools/file/name_template.h"

#include <glib.h>

#include <ctime>
#include <memory>
#include <string_view>

#include "tools/file/beneath.h"

namespace tools::file {

using base::Errc;
using base::Error;

namespace {

std::string with_case(const std::string& text, bool upper) {
  if (!g_utf8_validate_len(text.data(), text.size(), nullptr)) return text;
  const auto n = static_cast<gssize>(text.size());
  const std::unique_ptr<char, void (*)(void*)> changed(
      upper ? g_utf8_strup(text.data(), n) : g_utf8_strdown(text.data(), n), g_free);
  return changed.get();
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

base::Result<std::string> format_time(const std::string& who, const std::string& format,
                                      int64_t time_ns) {
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') continue;
    if (++i == format.size() ||
        std::string_view("YymdHMSjBbAaVG%").find(format[i]) == std::string_view::npos)
      return Error{Errc::usage, who + ": " + in_quotes(format) +
                                    " is no date format; use %Y %m %d %H %M %S %B %b %V"};
  }
  if (format.empty()) return std::string();
  if (format.size() > 100) return Error{Errc::usage, who + ": the date format is too long"};
  std::time_t seconds = time_ns / 1'000'000'000;
  if (time_ns % 1'000'000'000 < 0) --seconds;
  std::tm parts{};
  if (!::gmtime_r(&seconds, &parts))
    return Error{Errc::usage, who + ": a file's date is out of range"};
  char text[2000];
  return std::string(text, std::strftime(text, sizeof text, format.c_str(), &parts));
}

base::Result<std::string> fill_template(const std::string& who, const std::string& text,
                                        const NameFacts& facts) {
  const auto [stem, extension] = split_extension(facts.name);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      out += c;
      ++i;
      continue;
    }
    if (c == '}') return Error{Errc::usage, who + ": " + in_quotes(text) + " has a } without a {"};
    if (c != '{') {
      out += c;
      continue;
    }
    const size_t end = text.find('}', i);
    if (end == text.npos)
      return Error{Errc::usage, who + ": " + in_quotes(text) + " has a { without a }"};
    const std::string inside = text.substr(i + 1, end - i - 1);
    i = end;
    const size_t colon = inside.find(':');
    const std::string key = inside.substr(0, colon);
    const std::string option = colon == inside.npos ? "" : inside.substr(colon + 1);
    std::string value;
    bool is_text = true;
    if (all_digits(key) && key.size() <= 2) {
      const auto n = static_cast<size_t>(std::stoi(key));
      if (n < 1 || n > facts.captures.size())
        return Error{Errc::usage, who + ": {" + inside + "} is no capture; the pattern has " +
                                      std::to_string(facts.captures.size())};
      value = facts.captures[n - 1];
    } else if (key == "stem") {
      value = stem;
    } else if (key == "ext") {
      value = extension;
    } else if (key == "name") {
      value = facts.name;
    } else if (key == "n") {
      is_text = false;
      value = std::to_string(facts.counter);
      if (!option.empty() && (!all_digits(option) || option.size() > 2 || std::stoi(option) > 20))
        return Error{Errc::usage, who + ": {" + inside + "}: the width goes from 1 to 20"};
      if (!option.empty() && value.size() < static_cast<size_t>(std::stoi(option)))
        value.insert(0, static_cast<size_t>(std::stoi(option)) - value.size(), '0');
    } else if (key == "date") {
      is_text = false;
      base::Result<std::string> date =
          format_time(who, option.empty() ? "%Y-%m-%d" : option, facts.mtime_ns);
      if (!date) return date.error();
      value = *date;
    } else {
      return Error{Errc::usage, who + ": there is no placeholder {" + inside +
                                    "}; use {1}, {stem}, {ext}, {name}, {n:3}, {date:%Y-%m}"};
    }
    if (is_text && (option == "lower" || option == "upper"))
      value = with_case(value, option == "upper");
    else if (is_text && !option.empty())
      return Error{Errc::usage, who + ": {" + inside + "}: after the colon goes lower or upper"};
    out += value;
  }
  return out;
}

}  // namespace tools::file
