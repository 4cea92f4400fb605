#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "model/model.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;

struct Options {
  std::string model, adapter, request, out, precision = "f32";
};

/// NumPy format 1.0: magic, version, header length, a Python dict padded to 64 bytes, then the
/// values.
std::string npy(const std::vector<float>& values, size_t rows, size_t columns) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(columns) + "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

int run(const Options& o) {
  base::Result<std::string> text = base::read_file(o.request, 64 << 20);
  if (!text) return fail(text.error());
  const nlohmann::json request = nlohmann::json::parse(*text, nullptr, false);
  if (!request.is_object() || !request.contains("ids") || !request["ids"].is_array())
    return fail(Error{Errc::usage, o.request + ": expected {\"ids\": [...]}"});
  for (const auto& [key, value] : request.items())
    if (key != "ids" && !(value.is_array() && value.empty()) &&
        !(key == "mask" && value == "canonical"))
      return fail(Error{Errc::unsupported,
                        o.request + ": \"" + key + "\" is not supported by this checkpoint"});
  std::vector<model::Position> prompt;
  for (const nlohmann::json& id : request["ids"]) {
    if (!id.is_number_integer())
      return fail(Error{Errc::usage, o.request + ": ids must be whole numbers"});
    const int64_t v = id.get<int64_t>();
    prompt.push_back({.id = v < 0 || v > INT32_MAX ? -1 : static_cast<model::TokenId>(v)});
  }
  const base::Result<std::filesystem::path> checkpoint = find_checkpoint(o.model);
  if (!checkpoint) return fail(checkpoint.error());
  base::Result<model::Engine> engine = model::Engine::load(
      *checkpoint,
      {.precision = o.precision == "bf16" ? model::Precision::bf16 : model::Precision::f32,
       .adapter = o.adapter});
  if (!engine) return fail(engine.error());
  model::Session session(*engine, static_cast<int>(std::min<size_t>(prompt.size() + 1, INT32_MAX)));
  const base::Result<std::vector<float>> logits = session.all_logits(prompt);
  if (!logits) return fail(logits.error());
  const base::Status written = base::write_file(
      o.out, npy(*logits, prompt.size(), static_cast<size_t>(engine->architecture().vocab_size)));
  return written ? static_cast<int>(kDone) : fail(written.error());
}

}  // namespace

void add_logits(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* c =
      app.add_subcommand("logits", "Logits of one prompt as .npy, for comparison with references.");
  c->add_option("--model", o->model, "GGUF checkpoint")->required();
  c->add_option("--adapter", o->adapter, "LoRA adapter (GGUF)");
  c->add_option("--request", o->request, "JSON: {\"ids\": [...]}")->required();
  c->add_option("--out", o->out, "file to write")->required();
  c->add_option("--precision", o->precision, "f32 (reference) or bf16")
      ->check(CLI::IsMember({"bf16", "f32"}));
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
