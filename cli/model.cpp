#include <chrono>
#include <cstdio>
#include <memory>
#include "base/json.h"

#include "cli/command.h"
#include "cli/model_store.h"
#include "model/convert.h"
#include "model/gguf_rewrite.h"
#include "model/quantize.h"
#include "model/summary.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;
using ordered = nlohmann::ordered_json;

struct ModelFileOptions {
  std::string in, out, type, mmproj, base, adapter;
  bool force = false, json = false, tensors = false;
  int threads = 0;
};

std::string shape_text(const std::vector<uint64_t>& shape) {
  std::string text;
  for (const uint64_t dim : shape) text += (text.empty() ? "" : " x ") + std::to_string(dim);
  return text;
}

/// The smallest and largest of a number that differs among layers: "256", or "256 sliding, 512
/// full".
template <class Get>
std::string per_kind(const model::Architecture& a, Get get) {
  int sliding = -1, full = -1;
  for (const model::LayerShape& layer : a.layers) (layer.sliding ? sliding : full) = get(layer);
  if (sliding == full || full < 0) return std::to_string(sliding);
  if (sliding < 0) return std::to_string(full);
  return std::to_string(sliding) + " sliding, " + std::to_string(full) + " full";
}

std::vector<std::pair<std::string, uint64_t>> kv_contexts(const model::Architecture& a) {
  const auto full = static_cast<uint64_t>(a.context_length);
  std::vector<std::pair<std::string, uint64_t>> contexts;
  for (const auto& [name, n] : {std::pair{"8k", uint64_t{8192}}, {"32k", uint64_t{32768}}})
    if (n < full) contexts.emplace_back(name, n);
  contexts.emplace_back("full", full);
  return contexts;
}

void print_json(const model::Summary& s, bool tensors) {
  ordered j{{"format", s.format},
            {"kind", s.kind},
            {"name", s.name},
            {"architecture", s.architecture_name}};
  if (s.architecture) {
    const model::Architecture& a = *s.architecture;
    ordered layers = ordered::array();
    for (const model::LayerShape& layer : a.layers)
      layers.push_back({{"sliding", layer.sliding},
                        {"head_dim", layer.head_dim},
                        {"n_kv_heads", layer.n_kv_heads},
                        {"value_from_key", layer.value_from_key}});
    ordered kv = ordered::object();
    for (const auto& [name, n] : kv_contexts(a))
      kv[std::to_string(n)] = model::kv_cache_bytes(a, n);
    j["decoder"] = {{"n_layers", a.n_layers},
                    {"hidden", a.hidden},
                    {"feed_forward", a.feed_forward},
                    {"n_heads", a.n_heads},
                    {"vocab_size", a.vocab_size},
                    {"context_length", a.context_length},
                    {"sliding_window", a.sliding_window},
                    {"logit_softcap", a.logit_softcap},
                    {"layers", layers},
                    {"kv_cache_bytes", kv}};
    if (a.backbone_hidden > 0) j["decoder"]["backbone_hidden"] = a.backbone_hidden;
  }
  j["tokenizer"] = {{"kind", s.tokenizer}, {"pieces", s.n_pieces}};
  j["chat_template"] = s.chat_template;
  for (const auto& [key, value] : s.extra) j["details"][key] = value;
  ordered types = ordered::object();
  for (const auto& [type, t] : s.by_type())
    types[type] = {{"tensors", t.tensors}, {"values", t.values}, {"bytes", t.bytes}};
  j["types"] = types;
  j["parameters"] = s.total().values;
  j["bytes"] = s.total().bytes;
  j["problems"] = s.problems;
  if (tensors) {
    j["tensors"] = ordered::array();
    for (const model::Summary::Tensor& t : s.tensors)
      j["tensors"].push_back({{"name", t.name},
                              {"gguf_name", t.gguf_name},
                              {"shape", t.shape},
                              {"type", t.type},
                              {"bytes", t.bytes}});
  }
  std::printf("%s\n", j.dump(1, ' ', false, ordered::error_handler_t::replace).c_str());
}

void print_table(const model::Summary& s, bool tensors) {
  auto line = [](const char* name, const std::string& value) {
    if (!value.empty()) std::printf("%-22s %s\n", name, value.c_str());
  };
  line("file", s.format + ", " + s.kind);
  line("architecture", s.architecture_name);
  line("name", s.name);
  if (s.architecture) {
    const model::Architecture& a = *s.architecture;
    line("layers", std::to_string(a.n_layers) + ": " + model::layer_pattern(a));
    line("hidden", std::to_string(a.hidden));
    line("feed forward", std::to_string(a.feed_forward));
    line("query heads", std::to_string(a.n_heads));
    line("key/value heads", per_kind(a, [](const model::LayerShape& l) { return l.n_kv_heads; }));
    line("head size", per_kind(a, [](const model::LayerShape& l) { return l.head_dim; }));
    line("window", std::to_string(a.sliding_window));
    line("context", std::to_string(a.context_length));
    line("vocabulary", std::to_string(a.vocab_size));
    if (a.backbone_hidden > 0) line("drafts for width", std::to_string(a.backbone_hidden));
    if (a.backbone_hidden == 0)
      for (const auto& [name, n] : kv_contexts(a)) {
        char text[64];
        std::snprintf(text, sizeof text, "%.1f MiB in f16 at %llu tokens",
                      static_cast<double>(model::kv_cache_bytes(a, n)) / 1048576.0,
                      static_cast<unsigned long long>(n));
        line("KV cache", text);
      }
  }
  for (const auto& [key, value] : s.extra) line(key.c_str(), value);
  if (!s.tokenizer.empty())
    line("tokenizer", s.tokenizer + ", " + std::to_string(s.n_pieces) + " pieces");
  if (s.kind == "decoder") line("chat template", s.chat_template ? "yes" : "none");
  for (const std::string& problem : s.problems) line("note", problem);
  std::printf("\n%-10s %8s %14s %12s\n", "type", "tensors", "values", "MiB");
  auto row = [](const char* type, const model::Summary::Total& t) {
    std::printf("%-10s %8llu %14llu %12.1f\n", type, static_cast<unsigned long long>(t.tensors),
                static_cast<unsigned long long>(t.values),
                static_cast<double>(t.bytes) / 1048576.0);
  };
  for (const auto& [type, t] : s.by_type()) row(type.c_str(), t);
  row("all", s.total());
  if (!tensors) return;
  std::printf("\n");
  for (const model::Summary::Tensor& t : s.tensors)
    std::printf("%-60s %-6s %s\n", t.name.c_str(), t.type.c_str(), shape_text(t.shape).c_str());
}

int info(const ModelFileOptions& o) {
  const base::Result<std::filesystem::path> path = find_checkpoint(o.in);
  if (!path) return fail(path.error());
  const base::Result<model::Summary> summary = model::Summary::read(*path);
  if (!summary) return fail(summary.error());
  o.json ? print_json(*summary, o.tensors) : print_table(*summary, o.tensors);
  return kDone;
}

/// Writes how far it is to stderr, from the first second on and at most four times a second.
class Progress {
 public:
  void operator()(uint64_t done, uint64_t total) {
    const auto now = Clock::now();
    if (now - started_ < std::chrono::seconds(1)) return;
    if (done != total && now - shown_ < std::chrono::milliseconds(250)) return;
    shown_ = now;
    std::fprintf(stderr, "\r%5.1f %% of %.1f million values%s",
                 100.0 * static_cast<double>(done) / static_cast<double>(total ? total : 1),
                 static_cast<double>(total) / 1e6, done == total ? "\n" : "");
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point started_ = Clock::now(), shown_ = {};
};

base::Result<model::ConvertOptions> convert_options(const ModelFileOptions& o) {
  model::ConvertOptions options{
      .mmproj = o.mmproj, .base = o.base, .replace = o.force, .threads = o.threads};
  if (!o.type.empty()) {
    options.type = model::tensor_type(o.type);
    if (!options.type)
      return Error{Errc::usage, "type " + o.type +
                                    ": expected F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q4_K, Q5_1, "
                                    "Q5_0, Q4_1 or Q4_0"};
  }
  options.progress = [progress = std::make_shared<Progress>()](uint64_t done, uint64_t total) {
    (*progress)(done, total);
  };
  return options;
}

int report(const base::Result<model::ConvertReport>& result) {
  if (!result) return fail(result.error());
  for (const std::string& note : result->notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  for (const std::filesystem::path& path : result->written) std::printf("%s\n", path.c_str());
  return kDone;
}

int convert(const ModelFileOptions& o) {
  const base::Result<model::ConvertOptions> options = convert_options(o);
  if (!options) return fail(options.error());
  const base::Result<std::filesystem::path> in = find_checkpoint(o.in);
  if (!in) return fail(in.error());
  return report(model::convert(*in, o.out, *options));
}

int quantize(const ModelFileOptions& o) {
  const base::Result<model::ConvertOptions> options = convert_options(o);
  if (!options) return fail(options.error());
  const base::Result<std::filesystem::path> in = find_checkpoint(o.in);
  if (!in) return fail(in.error());
  return report(model::quantize_gguf(*in, o.out, *options->type, *options));
}

int merge(const ModelFileOptions& o) {
  const base::Result<model::ConvertOptions> options = convert_options(o);
  if (!options) return fail(options.error());
  const base::Result<std::filesystem::path> in = find_checkpoint(o.in);
  if (!in) return fail(in.error());
  model::ThreadPool pool(o.threads);
  const base::Status done =
      model::merge_adapter(*in, o.adapter, o.out, o.mmproj, options->type, o.force, pool);
  if (!done) return fail(done.error());
  std::printf("%s\n", o.out.c_str());
  return kDone;
}

void add_write_options(CLI::App* c, const std::shared_ptr<ModelFileOptions>& o) {
  c->add_flag("--force", o->force, "replace files that exist");
  c->add_option("--threads", o->threads, "0: one per CPU")->check(CLI::Range(0, 1024));
}

}  // namespace

void add_model(CLI::App& app, Action& action) {
  CLI::App* c = app.add_subcommand("model", "Inspect, fetch, convert and quantize checkpoints.");
  c->require_subcommand(1);
  CLI::App* g = c->add_subcommand("get", "Download a checkpoint into the cache.");
  auto name = std::make_shared<std::string>();
  g->add_option("name", *name, "gemma-3-270m")->required();
  g->callback([name, &action] {
    action = [name] {
      base::Result<std::filesystem::path> path = get_checkpoint(*name);
      if (!path) {
        fail(path.error());
        using base::Errc;
        const Errc code = path.error().code;
        return static_cast<int>(code == Errc::usage       ? kUsage
                                : code == Errc::cancelled ? kInternal
                                                          : kModel);
      }
      std::printf("%s\n", path->c_str());
      return static_cast<int>(kDone);
    };
  });

  auto o = std::make_shared<ModelFileOptions>();
  CLI::App* i = c->add_subcommand("info", "What a checkpoint or adapter holds.");
  i->add_option("path", o->in, "GGUF file, folder or safetensors file")->required();
  i->add_flag("--tensors", o->tensors, "list every tensor");
  i->add_flag("--json", o->json, "one JSON object");
  i->callback([o, &action] { action = [o] { return info(*o); }; });

  auto v = std::make_shared<ModelFileOptions>();
  CLI::App* convert_command = c->add_subcommand(
      "convert", "Folder (safetensors) to GGUF, GGUF to folder; adapters too. By what IN is.");
  convert_command->add_option("in", v->in, "folder or GGUF file")->required();
  convert_command->add_option("out", v->out, "GGUF file or folder to write")->required();
  convert_command->add_option(
      "--mmproj", v->mmproj,
      "GGUF file of the picture and sound embedders: written from a folder, read with a GGUF");
  convert_command->add_option("--type", v->type, "format of the matrices; as stored if not given");
  convert_command->add_option("--base", v->base, "checkpoint that an adapter was made for");
  add_write_options(convert_command, v);
  convert_command->callback([v, &action] { action = [v] { return convert(*v); }; });

  auto q = std::make_shared<ModelFileOptions>();
  CLI::App* quantize_command = c->add_subcommand("quantize", "A GGUF file in another format.");
  quantize_command->add_option("in", q->in, "GGUF file")->required();
  quantize_command->add_option("out", q->out, "GGUF file to write")->required();
  quantize_command
      ->add_option("type", q->type,
                   "Q8_0, Q6_K, Q5_K, Q4_K, Q5_1, Q5_0, Q4_1, Q4_0, F16, BF16 or F32")
      ->required();
  add_write_options(quantize_command, q);
  quantize_command->callback([q, &action] { action = [q] { return quantize(*q); }; });

  auto m = std::make_shared<ModelFileOptions>();
  CLI::App* merge_command =
      c->add_subcommand("merge", "A GGUF checkpoint with an adapter merged into its weights.");
  merge_command->add_option("in", m->in, "checkpoint (GGUF)")->required();
  merge_command->add_option("adapter", m->adapter, "adapter (GGUF or PEFT folder)")->required();
  merge_command->add_option("out", m->out, "GGUF file to write")->required();
  merge_command->add_option("--type", m->type,
                            "format of the layers that change; as stored if not given");
  merge_command->add_option("--mmproj", m->mmproj,
                            "GGUF file to write for the embedders the adapter holds");
  add_write_options(merge_command, m);
  merge_command->callback([m, &action] { action = [m] { return merge(*m); }; });
}

}  // namespace cli
