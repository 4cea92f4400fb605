#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "policies/policies.h"

namespace sandbox {

/// A file or folder of the workspace with a protected name.
struct ProtectedPath {
  std::string path;  ///< relative to the workspace
  bool hidden = false;
  bool link = false;  ///< a symbolic link, which nothing can be mounted over

  bool operator==(const ProtectedPath&) const = default;
};

/// A symbolic link that leads out of the workspace.
struct LinkOut {
  std::string path;  ///< relative to the workspace
  std::string target;

  bool operator==(const LinkOut&) const = default;
};

/// What a look through the workspace finds, each sorted by path.
struct WorkspaceScan {
  std::vector<ProtectedPath> protected_paths;
  std::vector<LinkOut> links_out;
};

/// Finds every protected name at any depth, without following links; does not look inside one that
/// it found. Of links, finds those that leave the workspace by whatever way, through other links
/// too. unlock: a folder of ours that may not be listed is made listable. A program may have closed
/// it to hide something. Errors: refused (more than 100,000 entries or 64 levels: what was not
/// looked at cannot be protected), system.
base::Result<WorkspaceScan> scan_workspace(const std::filesystem::path& workspace,
                                           const policies::Protect& protect, bool unlock);

/// Takes the sting out of a path that a program made under a protected name: renames it to
/// NAME.blocked (or .blocked-2, …). Returns the new relative path. Errors: system.
base::Result<std::string> set_aside(const std::filesystem::path& workspace,
                                    const std::string& path);

/// Removes `link` if it still is that link.
/// Errors: system.
base::Status remove_link(const std::filesystem::path& workspace, const LinkOut& link);

}  // namespace sandbox
