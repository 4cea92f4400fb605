// Fields follow each other in the order of docs/files.md and an optional one is a place that may be
// skipped, as in call_grammar.cpp. Wildcards may name files that come to be only while the plan is
// carried out, so a pattern is any text; what a plan makes has no wildcards in its name.
#include "agent/plan_rules.h"

#include <set>

namespace agent {

namespace {

using std::string;

constexpr std::string_view kTerminals = R"RE(
MADE: /"[^"\\\/~.*?\x00-\x1F\x7F][^"\\*?\x00-\x1F\x7F]{0,99}"/
NAMEPATTERN: /"[^"\\\/\x00-\x1F\x7F]{1,100}"/
NAMEREGEX: /"[^"\\\/\x00-\x1F\x7F]{1,60}"/
NAMETO: /"[^"\\~\x00-\x1F\x7F]{0,100}"/
ARCHIVED: /"([A-Za-z0-9_ -]{1,40}\/)?[A-Za-z0-9_. -]{1,60}\.(zip|tar\.gz)"/
TARGETFORMAT: "\"json\"" | "\"csv\"" | "\"png\"" | "\"jpeg\""
SORTBY: "\"extension\"" | "\"size\"" | "\"letter\""
DAYFORMAT: "\"%Y\"" | "\"%Y-%m\"" | "\"%Y/%m\"" | "\"%Y-%m-%d\""
ORDER: ", order=\"name\"" | ", order=\"date\"" | ", order=\"size\""
KEEP: ", keep=\"oldest\"" | ", keep=\"newest\"" | ", keep=\"shortest\""
COLLISION: ", on_collision=\"number\"" | ", on_collision=\"skip\"" | ", on_collision=\"replace\""
)RE";

constexpr std::string_view kRules = R"RE(
planscript: "print(" "files.apply(" (operation | "{" operation (", " operation){1,3} "}") ")" ")"
operation: "{op=\"mkdir\", path=" MADE "}"
  | ("{op=\"move\", files=" | "{op=\"copy\", files=") chosen ", to=" MADE COLLISION? "}"
  | "{op=\"rename\", files=" chosen ", match=" NAMEPATTERN ", to=" NAMETO ORDER? COLLISION? "}"
  | "{op=\"rename\", files=" chosen ", regex=" NAMEREGEX ", to=" NAMETO COLLISION? "}"
  | "{op=\"sort\", files=" chosen ", by=" sorted COLLISION? "}"
  | "{op=\"delete\", files=" chosen (", recursive=true")? "}"
  | "{op=\"dedupe\", files=" chosen KEEP? "}"
  | "{op=\"merge\", files=" chosen ", to=" MADE ORDER? (", remove=true")? "}"
  | "{op=\"archive\", files=" chosen ", to=" ARCHIVED (", remove=true")? "}"
  | "{op=\"convert\", files=" chosen ", to=" TARGETFORMAT (", into=" MADE)? "}"
sorted: (SORTBY | "\"date\"" (", format=" DAYFORMAT)?) (", into=" MADE)?
chosen: CHOSEN | "{" CHOSEN (", " CHOSEN){1,15} "}"
)RE";

}  // namespace

void add_plan_script(const Names& names, std::string& out) {
  out += kTerminals;
  out += R"RE(CHOSEN: /"[^"\\\/~.\x00-\x1F\x7F][^"\\\x00-\x1F\x7F]{0,99}"/)RE";
  // Names that the pattern above has no spelling for.
  std::set<string> odd;
  for (const FileNames& file : names.files)
    if (file.path.find_first_of("\"\\") != string::npos) odd.insert(lua_quoted(file.path));
  for (const string& path : odd) out += " | " + lark_quoted(path);
  out += "\n";
  out += kRules;
}

}  // namespace agent
