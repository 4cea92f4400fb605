// One expression per format, after the documents that JSON Schema names: RFC 3339 (dates, times,
// durations), RFC 5321 (mail), RFC 4291 (IPv6), RFC 4122 (UUID), RFC 3986 (URI), RFC 6901 (JSON
// pointers). A leap second stands only where it is 23:59:60 in UTC, so the offset decides which
// local times may have one; hours and minutes are two conditions that both hold.
#include "model/grammar/formats.h"

#include <cstdio>

namespace model {

namespace {

using std::string;

string two(int n) {
  char text[8];
  std::snprintf(text, sizeof(text), "%02d", n);
  return text;
}

string regex(const string& text) { return "/" + text + "/"; }

// Days that exist; a leap year is divisible by 4, and if by 100 then by 400.
string date() {
  const string leap =
      "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
  return "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|"
         "[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|" +
         leap + "-02-29)";
}

string time(const string& before) {
  const string hour = "(?:[01][0-9]|2[0-3])", minute = "[0-5][0-9]", part = "(?:\\.[0-9]+)?";
  const string usual = before + hour + ":" + minute + ":" + minute + part + "(?:[zZ]|[-+]" + hour +
                       ":" + minute + ")";
  // Local minute and hour by the offset's. Behind +hh:00 the hour before, else the same hour.
  string minutes, hours;
  for (int m = 0; m < 60; ++m) {
    minutes += (m ? "|" : "") + hour + ":" + two((59 + m) % 60) + ":60" + part + "\\+" + hour +
               ":" + two(m);
    minutes += "|" + hour + ":" + two(59 - m) + ":60" + part + "-" + hour + ":" + two(m);
  }
  for (int h = 0; h < 24; ++h) {
    hours +=
        (h ? "|" : "") + two((23 + h) % 24) + ":" + minute + ":60" + part + "\\+" + two(h) + ":00";
    hours += "|" + two(h) + ":" + minute + ":60" + part + "\\+" + two(h) + ":(?:0[1-9]|[1-5][0-9])";
    hours += "|" + two(23 - h) + ":" + minute + ":60" + part + "-" + two(h) + ":" + minute;
  }
  return "(" + regex(usual) + " | " + regex(before + "23:59:60" + part + "[zZ]") + " | (" +
         regex(before + "(?:" + minutes + ")") + " & " + regex(before + "(?:" + hours + ")") + "))";
}

string duration() {
  const string n = "[0-9]+";
  const string seconds = n + "S", minutes = n + "M(?:" + seconds + ")?",
               hours = n + "H(?:" + minutes + ")?";
  const string clock = "T(?:" + hours + "|" + minutes + "|" + seconds + ")";
  const string days = n + "D", months = n + "M(?:" + days + ")?",
               years = n + "Y(?:" + months + ")?";
  return "P(?:" + n + "W|" + clock + "|(?:" + days + "|" + months + "|" + years + ")(?:" + clock +
         ")?)";
}

string ipv4() {
  const string octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  return octet + "(?:\\." + octet + "){3}";
}

string ipv6() {
  const string group = "[0-9A-Fa-f]{1,4}";
  const string last = "(?:" + group + ":" + group + "|" + ipv4() + ")";
  string out = "(?:(?:" + group + ":){6}" + last;
  // `::` with so many groups before it, and after it at most what is left of eight.
  for (int before = 0; before <= 7; ++before) {
    const string left =
        before == 0 ? "" : "(?:" + group + ":){" + std::to_string(before - 1) + "}" + group;
    const int after = 7 - before;  // `::` stands for one group or more
    string right = after == 0 ? "" : "(?:" + group + ")?";
    if (after >= 2)
      right =
          "(?:(?:" + group + ":){0," + std::to_string(after - 2) + "}" + last + "|" + group + ")?";
    out += "|" + left + "::" + right;
  }
  return out + ")";
}

string email(Spelling spelling) {
  const string atom = "[A-Za-z0-9!#$%&'*+\\x{2F}=?^_`{|}~-]+";
  const string quoted =
      spelling == Spelling::plain
          ? R"("(?:[\x{20}-\x{21}\x{23}-\x{5B}\x{5D}-\x{7E}]|\\[\x{20}-\x{7E}])*")"
          : R"(\\"(?:[\x{20}-\x{21}\x{23}-\x{5B}\x{5D}-\x{7E}]|\\\\(?:[\x{20}-\x{21}\x{23}-\x{5B}\x{5D}-\x{7E}]|\\["\\]))*\\")";
  const string label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  return "(?:" + atom + "(?:\\." + atom + ")*|" + quoted + ")@(?:" + label + "(?:\\." + label +
         ")*|\\[(?:" + ipv4() + "|IPv6:" + ipv6() + ")\\])";
}

struct Uri {
  string absolute, reference;
};

Uri uri() {
  const string plain = "\\x{2D}A-Za-z0-9._~!$&'()*+,;=", escape = "%[0-9A-Fa-f]{2}";
  const auto of = [&](const string& more) { return "(?:[" + plain + more + "]|" + escape + ")"; };
  const string slash = "\\x{2F}", segment = of(":@");
  const string host =
      "(?:\\[(?:" + ipv6() + "|[vV][0-9A-Fa-f]+\\.[" + plain + ":]+)\\]|" + of("") + "*)";
  const string authority =
      slash + slash + "(?:" + of(":") + "*@)?" + host + "(?::[0-9]*)?(?:" + slash + segment + "*)*";
  const string rooted = slash + "(?:" + segment + "+(?:" + slash + segment + "*)*)?";
  const string rootless = segment + "+(?:" + slash + segment + "*)*";
  const string no_colon = of("@") + "+(?:" + slash + segment + "*)*";
  const string tail = "(?:\\?" + of(":@?\\x{2F}") + "*)?(?:#" + of(":@?\\x{2F}") + "*)?";
  const string absolute =
      "[A-Za-z][A-Za-z0-9+.-]*:(?:" + authority + "|" + rooted + "|" + rootless + ")?" + tail;
  return {absolute, "(?:" + absolute + "|(?:" + authority + "|" + rooted + "|" + no_colon + ")?" +
                        tail + ")"};
}

// JSON pointers hold any character but ~ and / in a step.
string pointer(Spelling spelling) {
  const string step =
      spelling == Spelling::plain
          ? "[^~\\x{2F}]"
          : R"((?:[^~\x{2F}\x{0}-\x{1F}\x{22}\x{5C}]|\\(?:["\\bfnrt]|u00[01][0-9a-f])))";
  return "(?:\\x{2F}(?:" + step + "|~[01])*)*";
}

}  // namespace

std::string format_terminal(std::string_view format, Spelling spelling) {
  if (format == "date") return regex(date());
  if (format == "time") return time("");
  if (format == "date-time") return time(date() + "[tT]");
  if (format == "duration") return regex(duration());
  if (format == "email") return regex(email(spelling));
  if (format == "ipv4") return regex(ipv4());
  if (format == "ipv6") return regex(ipv6());
  if (format == "uuid")
    return regex("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}");
  if (format == "uri") return regex(uri().absolute);
  if (format == "uri-reference") return regex(uri().reference);
  if (format == "json-pointer") return regex(pointer(spelling));
  if (format == "relative-json-pointer")
    return regex("(?:0|[1-9][0-9]*)(?:#|" + pointer(spelling) + ")");
  return "";
}

}  // namespace model
