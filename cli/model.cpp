#include <cstdio>
#include <map>
#include <memory>

#include "cli/command.h"
#include "cli/model_store.h"
#include "model/gguf.h"

namespace cli {
namespace {

int info(const std::string& path) {
  const base::Result<std::filesystem::path> file = find_checkpoint(path);
  if (!file) return fail(file.error());
  base::Result<model::Gguf> gguf = model::Gguf::open(*file);
  if (!gguf) return fail(gguf.error());
  const std::string name(gguf->string("general.architecture").value_or("?"));
  std::printf("%-22s %s\n", "architecture", name.c_str());
  std::printf("%-22s %s\n", "name",
              std::string(gguf->string("general.name").value_or("-")).c_str());
  for (const char* key :
       {"block_count", "embedding_length", "feed_forward_length", "attention.head_count",
        "attention.key_length", "attention.sliding_window", "context_length"})
    if (const std::optional<uint64_t> v = gguf->integer(name + "." + key))
      std::printf("%-22s %llu\n", key, static_cast<unsigned long long>(*v));
  struct Sum {
    size_t tensors = 0;
    uint64_t values = 0, bytes = 0;
  };
  std::map<std::string, Sum> by_type;
  Sum all;
  for (const model::StoredTensor& t : gguf->tensors()) {
    for (Sum* s : {&by_type[std::string(model::block_layout(t.type)->name)], &all}) {
      ++s->tensors;
      s->values += t.n_elements();
      s->bytes += t.data.size();
    }
  }
  std::printf("\n%-10s %8s %14s %12s\n", "type", "tensors", "values", "MiB");
  auto row = [](const char* type, const Sum& s) {
    std::printf("%-10s %8zu %14llu %12.1f\n", type, s.tensors,
                static_cast<unsigned long long>(s.values),
                static_cast<double>(s.bytes) / 1048576.0);
  };
  for (const auto& [type, sum] : by_type) row(type.c_str(), sum);
  row("all", all);
  return kDone;
}

}  // namespace

void add_model(CLI::App& app, Action& action) {
  auto path = std::make_shared<std::string>();
  CLI::App* c = app.add_subcommand("model", "Inspect and fetch checkpoints.");
  c->require_subcommand(1);
  CLI::App* g = c->add_subcommand("get", "Download a checkpoint into the cache.");
  auto name = std::make_shared<std::string>();
  g->add_option("name", *name, "gemma-3-270m")->required();
  g->callback([name, &action] {
    action = [name] {
      base::Result<std::filesystem::path> path = get_checkpoint(*name);
      if (!path) {
        fail(path.error());
        return static_cast<int>(path.error().code == base::Errc::usage ? kUsage : kModel);
      }
      std::printf("%s\n", path->c_str());
      return static_cast<int>(kDone);
    };
  });
  CLI::App* i = c->add_subcommand("info", "What a GGUF file holds.");
  i->add_option("file", *path, "GGUF file")->required();
  i->callback([path, &action] { action = [path] { return info(*path); }; });
}

}  // namespace cli
