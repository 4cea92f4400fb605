#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/file/listing.h"
#include "tools/file/operation.h"

namespace tools::file {

enum class StepKind { mkdir, move, copy, remove, merge, archive, convert };

/// One thing that is done. Steps are carried out one after the other; their paths are those at that
/// moment.
struct Step {
  StepKind kind = StepKind::move;
  std::string from{};                  ///< move, copy, remove, convert
  std::string to{};                    ///< all but remove; nothing is there
  std::vector<std::string> sources{};  ///< merge, archive
  std::string format{};  ///< merge: csv, text; archive: zip, tar.gz; convert: png, …
  size_t operation = 0;  ///< of the plan it belongs to, from 0 on
  std::string why{};     ///< for a person: "same as a.txt"
  /// A move by way of a spare name, because names trade places: the first half, which a preview
  /// leaves out, and for the second half where the file really came from.
  bool to_spare = false;
  std::string really_from{};
};

/// What a plan comes down to.
struct Expansion {
  std::vector<Step> steps;
  Listing after;  ///< the folder after the steps
  std::vector<std::string>
      skipped;  ///< "a.txt: b.txt is taken", of collisions that were to be skipped
};

/// What is asked about contents while a plan is made. A path is one of the listing.
struct Contents {
  /// A hash that only equal contents share. Not needed without `dedupe`.
  std::function<base::Result<std::string>(const std::string& path)> hash;
  /// The first record of a CSV, to compare. Not needed without `merge`.
  std::function<base::Result<std::string>(const std::string& path)> header;
};

/// Resolves a plan against a folder; changes nothing and depends on nothing else. Each operation
/// sees what the ones before it leave. Every step can be carried out as long as the folder stays as
/// listed.
/// Errors: usage, not_found, refused, limit: one sentence that begins with the operation and names
/// the path; those of `contents`.
base::Result<Expansion> expand(const std::vector<Operation>& plan, const Listing& listing,
                               const Contents& contents);

}  // namespace tools::file
