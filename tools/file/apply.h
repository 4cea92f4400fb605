#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "tools/file/expand.h"

namespace tools::file {

struct ApplyOptions {
  /// The table in a file, relative to `top`, as csv or json text; convert steps of tables need it.
  std::function<base::Result<std::string>(const std::string& path, const std::string& format)>
      convert_table = {};
  /// Who calls drops everything if a step fails (a layer of the sandbox): what is removed need not
  /// be kept until the end, and nothing is taken back here.
  bool dropped_on_failure = false;
  /// For tests: every move is done as between file systems, by copying.
  bool never_rename = false;
};

/// Carries out the steps of an expansion beneath `top`, in order, all or none: when one fails,
/// those before it are taken back. Follows no link and replaces nothing that the steps do not name.
/// Errors: refused, not_found, limit, usage, system, with the step and its path; the message says
/// so if something could not be taken back.
base::Status apply(int top, const Expansion& expansion, const ApplyOptions& options = {});

}  // namespace tools::file
