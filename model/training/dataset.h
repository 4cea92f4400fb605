#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/chat.h"
#include "model/training/batch.h"

namespace model::training {

/// What stands before every conversation of a data set: the system text and the tools.
struct Preamble {
  std::string system;
  std::vector<ToolDeclaration> tools;

  /// Reads {"system": text, "tools": [declarations]}. Errors: not_found, corrupt.
  static base::Result<Preamble> open(const std::filesystem::path& path);
};

/// Reads conversations from JSON Lines, {"messages": [...]} a line, and tokenizes them behind the
/// preamble. Loss falls on what the model wrote; a message with "train": false, and everything
/// before it, gets none. max_tokens: longer conversations are an error. Errors: usage or corrupt
/// with "FILE line N: …".
base::Result<std::vector<Sequence>> read_dataset(const std::filesystem::path& path,
                                                 const Preamble& preamble,
                                                 const Tokenizer& tokenizer, int max_tokens,
                                                 bool skip_long);

}  // namespace model::training
