#include <iostream>
#include <iterator>
#include <memory>
#include "base/json.h"

#include "cli/command.h"
#include "cli/model_store.h"
#include "model/checkpoint.h"

namespace cli {

static int tokenize(const std::string& path, bool special) {
  const base::Result<std::filesystem::path> file = find_checkpoint(path);
  if (!file) return fail(file.error());
  base::Result<model::Checkpoint> checkpoint = model::Checkpoint::open(*file);
  if (!checkpoint) return fail(checkpoint.error());
  base::Result<model::Tokenizer> tokenizer = checkpoint->tokenizer();
  if (!tokenizer) return fail(tokenizer.error());
  const std::string text((std::istreambuf_iterator<char>(std::cin)),
                         std::istreambuf_iterator<char>());
  std::cout
      << nlohmann::json(special ? tokenizer->encode_special(text) : tokenizer->encode(text)).dump()
      << "\n";
  return kDone;
}

void add_tokenize(CLI::App& app, Action& action) {
  auto path = std::make_shared<std::string>();
  auto special = std::make_shared<bool>(false);
  CLI::App* c = app.add_subcommand("tokenize", "Token ids of the text on standard input.");
  c->add_option("--model", *path, "GGUF checkpoint")->required();
  c->add_flag("--special", *special, "spellings of special tokens become those tokens");
  c->callback([=, &action] { action = [=] { return tokenize(*path, *special); }; });
}

}  // namespace cli
