#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/chat.h"

namespace agent {

/// Folders with a SKILL.md: instructions that a person has put there for models. Their names and
/// descriptions stand in the system text, the rest is read when the model asks for it.
class Skills {
 public:
  /// Looks for */SKILL.md in each folder, in order; the first of a name stays, at most 32 in all.
  /// One that cannot be used is told about and left out. Errors: not_found (such a folder).
  static base::Result<Skills> find(const std::vector<std::filesystem::path>& folders,
                                   const std::function<void(const std::string&)>& notice);

  bool empty() const { return skills_.empty(); }
  /// What the system text says of them; empty if there are none.
  std::string listing() const;
  /// The tool `skill`, by which a model reads one.
  static model::ToolDeclaration tool();
  /// What the tool gives: the body of a SKILL.md, or a file beside it; at most 32 KiB.
  /// Errors: usage, not_found, limit: one sentence for the model.
  base::Result<std::string> read(const nlohmann::json& arguments) const;

 private:
  struct Skill {
    std::string name, description;
    std::filesystem::path folder;
  };
  std::vector<Skill> skills_;
};

/// A SKILL.md taken apart.
struct SkillText {
  std::string name, description, body;
};
/// Errors: corrupt (no front matter with a name and a description that can be used).
base::Result<SkillText> parse_skill(std::string_view text);

}  // namespace agent
