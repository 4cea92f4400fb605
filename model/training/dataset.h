#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/chat.h"
#include "model/training/batch.h"
#include "model/training/media_files.h"

namespace model::training {

/// What stands before every conversation of a data set: the system text and the tools.
struct Preamble {
  std::string system;
  std::vector<ToolDeclaration> tools;

  /// Reads {"system": text, "tools": [declarations]}. Errors: not_found, corrupt.
  static base::Result<Preamble> open(const std::filesystem::path& path);
};

struct DatasetOptions {
  int max_tokens = 1536;   ///< longer conversations are an error
  bool skip_long = false;  ///< or left out
  MediaRules media = {};
};

/// Reads conversations from JSON Lines, {"messages": [...]} a line, and tokenizes them behind the
/// preamble. Loss falls on what the model wrote; a message with "train": false, and everything
/// before it, gets none. Parts {"type": "image", "path": FILE} and {"type": "audio", "path": FILE}
/// of a message become soft tokens; a relative path starts at the folder of the data.
/// Errors: usage, corrupt, unsupported or those of the media, with "FILE line N: …".
base::Result<std::vector<Sequence>> read_dataset(const std::filesystem::path& path,
                                                 const Preamble& preamble,
                                                 const Tokenizer& tokenizer,
                                                 const DatasetOptions& options);

}  // namespace model::training
