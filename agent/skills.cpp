#include "agent/skills.h"

#include <algorithm>

#include "agent/beneath.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

namespace agent {

using base::Errc;
using base::Error;
using base::Result;

namespace {

constexpr std::string_view kAroundText = " \t\r";  // in a line of front matter
constexpr size_t kMaxSkills = 32;
constexpr size_t kMaxNameBytes = 64, kMaxDescriptionBytes = 1024;
constexpr size_t kMaxListing = 8 << 10;  // bytes of the system text
constexpr size_t kMaxFile = 256 << 10, kMaxRead = 32 << 10;

/// The value of "key: value", without the quotes around it.
std::string unquoted(std::string text) {
  const bool quoted =
      text.size() >= 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

/// The part of YAML that front matter is written in: keys of the first level with one text each,
/// which indented lines go on.
std::string value_of(const std::vector<std::string>& lines, std::string_view key) {
  std::string value;
  bool inside = false;
  for (const std::string& line : lines) {
    const bool indented = !line.empty() && (line[0] == ' ' || line[0] == '\t');
    if (inside && !indented && !base::trimmed(line, kAroundText).empty()) break;
    if (inside) {
      const std::string more(base::trimmed(line, kAroundText));
      if (!more.empty()) value += (value.empty() ? "" : " ") + more;
    } else if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':') {
      inside = true;
      value = base::trimmed(std::string_view(line).substr(key.size() + 1), kAroundText);
      if (value == "|" || value == ">" || value == "|-" || value == ">-") value.clear();
    }
  }
  return unquoted(value);
}

bool is_skill_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

}  // namespace

Result<SkillText> parse_skill(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<std::string> lines;
  bool open = false, closed = false;
  size_t begin = 0;
  while (begin < text.size() && !closed) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line(text.substr(begin, end - begin));
    if (line.ends_with('\r')) line.pop_back();
    begin = std::min(end + 1, text.size());
    if (base::trimmed(line, kAroundText) != "---") {
      if (!open) break;
      lines.push_back(std::move(line));
    } else {
      closed = open;
      open = true;
    }
  }
  if (!closed)
    return Error{Errc::corrupt, "does not begin with front matter between two lines \"---\""};
  SkillText skill{.name = value_of(lines, "name"),
                  .description = value_of(lines, "description"),
                  .body = std::string(text.substr(begin))};
  if (!is_skill_name(skill.name))
    return Error{Errc::corrupt, "its \"name\" is not 1 to 64 letters, digits, - and _"};
  if (skill.description.empty() || skill.description.size() > kMaxDescriptionBytes)
    return Error{Errc::corrupt, "its \"description\" is not 1 to 1024 bytes long"};
  return skill;
}

Result<Skills> Skills::find(const std::vector<std::filesystem::path>& folders,
                            const std::function<void(const std::string&)>& notice) {
  Skills found;
  size_t listed = 0;
  for (const std::filesystem::path& top : folders) {
    std::error_code ec;
    std::vector<std::filesystem::path> candidates;
    for (std::filesystem::directory_iterator it(top, ec), end; !ec && it != end; it.increment(ec))
      candidates.push_back(it->path());
    if (ec) return Error{Errc::not_found, top.string() + ": " + ec.message() + " (--skills)"};
    std::sort(candidates.begin(), candidates.end());
    for (const std::filesystem::path& folder : candidates) {
      const std::filesystem::path path = folder / "SKILL.md";
      if (!std::filesystem::exists(path, ec)) continue;
      Result<std::string> text = base::read_file(path, kMaxFile);
      Result<SkillText> skill = text ? parse_skill(*text) : Result<SkillText>(text.error());
      std::string why;
      if (!skill)
        why = skill.error().message;
      else if (std::any_of(found.skills_.begin(), found.skills_.end(),
                           [&](const Skill& one) { return one.name == skill->name; }))
        why = "another skill has its name";
      else if (found.skills_.size() == kMaxSkills ||
               listed + skill->name.size() + skill->description.size() > kMaxListing)
        why = "there are too many skills";
      if (!why.empty()) {
        notice("the skill " + path.string() + " is left out: " + why);
        continue;
      }
      listed += skill->name.size() + skill->description.size() + 4;
      found.skills_.push_back({skill->name, skill->description, folder});
    }
  }
  return found;
}

std::string Skills::listing() const {
  if (skills_.empty()) return "";
  std::string text =
      "# Skills\nInstructions of the user for special tasks. Where one fits the request, read it "
      "with the tool skill before anything else.\n";
  for (const Skill& skill : skills_) text += "- " + skill.name + ": " + skill.description + "\n";
  return text;
}

model::ToolDeclaration Skills::tool() {
  return {
      .name = "skill",
      .description = "Read a skill's instructions, or a file that they name.",
      .parameters = nlohmann::json::parse(
          R"({"type":"object","properties":{"name":{"type":"string","description":"of the skill"},"file":{"type":"string","description":"a file in the skill's folder; left out: its instructions"}},"required":["name"],"additionalProperties":false})")};
}

Result<std::string> Skills::read(const nlohmann::json& arguments) const {
  const auto text_at = [&](const char* key) {
    const auto it = arguments.find(key);
    return it != arguments.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  const std::string name = text_at("name"), file = text_at("file");
  const auto skill = std::find_if(skills_.begin(), skills_.end(),
                                  [&](const Skill& one) { return one.name == name; });
  if (skill == skills_.end()) {
    std::string names;
    for (const Skill& one : skills_) names += (names.empty() ? "" : ", ") + one.name;
    return Error{Errc::usage, "there is no skill \"" + name + "\"; skills: " + names};
  }
  if (!file.empty()) return read_beneath(skill->folder, file, kMaxRead);
  Result<std::string> text = base::read_file(skill->folder / "SKILL.md", kMaxFile);
  if (!text) return text.error();
  Result<SkillText> parsed = parse_skill(*text);
  if (!parsed) return parsed.error();
  if (parsed->body.size() > kMaxRead) {
    parsed->body.resize(kMaxRead);
    parsed->body += "\n(the rest was left out)";
  }
  return parsed->body;
}

}  // namespace agent
