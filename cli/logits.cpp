#include <algorithm>
#include <cstdio>
#include <memory>
#include "base/json.h"

#include "base/file.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "model/attachment.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;

struct LogitsOptions {
  std::string model, adapter, mmproj, request, out, precision = "f32";
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

/// One entry of "images" or "audio": {"path": …, "budget": …}; a relative path starts at the
/// request.
struct MediaFile {
  std::filesystem::path path;
  int budget = model::kDefaultImageBudget;
};

base::Result<std::vector<MediaFile>> media_files(const nlohmann::json& request, const char* key,
                                                 const std::filesystem::path& from) {
  std::vector<MediaFile> files;
  if (!request.contains(key)) return files;
  if (!request[key].is_array())
    return Error{Errc::usage, std::string("\"") + key + "\": expected [{\"path\": …}]"};
  for (const nlohmann::json& entry : request[key]) {
    if (!entry.is_object() || !entry.contains("path") || !entry["path"].is_string())
      return Error{Errc::usage, std::string("\"") + key + "\": expected [{\"path\": …}]"};
    MediaFile file{.path = from / entry["path"].get<std::string>()};
    for (const auto& [name, value] : entry.items()) {
      if (name == "path") continue;
      if (name != "budget" || !value.is_number_integer())
        return Error{Errc::usage,
                     std::string("\"") + key + "\": \"" + name + "\" is not a known whole number"};
      file.budget = static_cast<int>(std::clamp<int64_t>(value.get<int64_t>(), -1, 1 << 20));
    }
    files.push_back(std::move(file));
  }
  return files;
}

/// Soft tokens of all files of a kind, one after the other.
base::Result<std::vector<float>> embed(const model::Engine& engine,
                                       const std::vector<MediaFile>& files, bool images) {
  std::vector<float> all;
  for (const MediaFile& file : files) {
    base::Result<std::string> bytes = base::read_file(file.path, size_t{1} << 30);
    if (!bytes) return bytes.error();
    const base::Result<model::Attachment> a = images
                                                  ? model::attach_image(engine, *bytes, file.budget)
                                                  : model::attach_sound(engine, *bytes);
    if (!a) return of_file(file.path.string(), a.error());
    for (const model::SoftTokens& part : a->parts)
      all.insert(all.end(), part.values.begin(), part.values.end());
  }
  return all;
}

int run(const LogitsOptions& o) {
  base::Result<std::string> text = base::read_file(o.request, 64 << 20);
  if (!text) return fail(text.error());
  const nlohmann::json request = nlohmann::json::parse(*text, nullptr, false);
  if (!request.is_object() || !request.contains("ids") || !request["ids"].is_array())
    return fail(Error{Errc::usage, o.request + ": expected {\"ids\": [...]}"});
  for (const auto& [key, value] : request.items())
    if (key != "ids" && key != "images" && key != "audio" && key != "mask")
      return fail(Error{Errc::usage, o.request + ": \"" + key +
                                         "\" is not known; known: ids, images, audio, mask"});
  model::ImageMask mask = model::ImageMask::canonical;
  if (request.contains("mask")) {
    const nlohmann::json& name = request["mask"];
    if (name == "transformers-5.24")
      mask = model::ImageMask::transformers_5_24;
    else if (name != "canonical")
      return fail(Error{Errc::usage, o.request + ": \"mask\" is canonical or transformers-5.24"});
  }
  const std::filesystem::path folder = std::filesystem::path(o.request).parent_path();
  base::Result<std::vector<MediaFile>> images = media_files(request, "images", folder);
  if (!images) return fail(images.error());
  base::Result<std::vector<MediaFile>> audio = media_files(request, "audio", folder);
  if (!audio) return fail(audio.error());

  const base::Result<std::filesystem::path> checkpoint = find_checkpoint(o.model);
  if (!checkpoint) return fail(checkpoint.error());
  base::Result<model::Engine> engine =
      model::Engine::load(*checkpoint, {.precision = model::precision_named(o.precision),
                                        .adapter = o.adapter,
                                        .mmproj = o.mmproj,
                                        .need_tokenizer = false});
  if (!engine) return fail(engine.error());
  const model::MediaIds places = engine->media_ids();
  const base::Result<std::vector<float>> patches = embed(*engine, *images, true);
  if (!patches) return fail(patches.error());
  const base::Result<std::vector<float>> frames = embed(*engine, *audio, false);
  if (!frames) return fail(frames.error());
  std::span<const float> image_rows = *patches, audio_rows = *frames;
  const size_t width = static_cast<size_t>(engine->architecture().hidden);
  std::vector<model::Position> prompt;
  for (const nlohmann::json& id : request["ids"]) {
    if (!id.is_number_integer())
      return fail(Error{Errc::usage, o.request + ": ids must be whole numbers"});
    const int64_t v = id.get<int64_t>();
    model::Position p{.id = v < 0 || v > INT32_MAX ? -1 : static_cast<model::TokenId>(v)};
    p.patch = p.id == places.image || p.id == places.video;
    if (p.patch || p.id == places.audio) {
      std::span<const float>& rows = p.patch ? image_rows : audio_rows;
      if (rows.empty())
        return fail(Error{Errc::usage, o.request + ": more places for " +
                                           (p.patch ? "image" : "audio") +
                                           " tokens in ids than the files give"});
      p.soft = rows.first(width);
      rows = rows.subspan(width);
    }
    prompt.push_back(p);
  }
  if (!image_rows.empty() || !audio_rows.empty())
    return fail(
        Error{Errc::usage, o.request + ": the files give " +
                               std::to_string((image_rows.size() + audio_rows.size()) / width) +
                               " soft tokens more than ids has places"});
  model::Session session(*engine, static_cast<int>(std::min<size_t>(prompt.size() + 1, INT32_MAX)));
  session.set_mask(mask);
  const base::Result<std::vector<float>> logits = session.all_logits(prompt);
  if (!logits) return fail(logits.error());
  const base::Status written = base::write_file(
      o.out, npy(*logits, prompt.size(), static_cast<size_t>(engine->architecture().vocab_size)));
  return written ? static_cast<int>(kDone) : fail(written.error());
}

}  // namespace

void add_logits(CLI::App& app, Action& action) {
  auto o = std::make_shared<LogitsOptions>();
  CLI::App* c =
      app.add_subcommand("logits", "Logits of one prompt as .npy, for comparison with references.");
  c->add_option("--model", o->model, "GGUF checkpoint")->required();
  c->add_option("--adapter", o->adapter, "LoRA adapter (GGUF)");
  c->add_option("--mmproj", o->mmproj, "GGUF with the embedders of pictures and sound");
  c->add_option("--request", o->request,
                "JSON: {\"ids\": [...], \"images\": [{\"path\", \"budget\"}], \"audio\": "
                "[{\"path\"}], \"mask\"}")
      ->required();
  c->add_option("--out", o->out, "file to write")->required();
  c->add_option("--precision", o->precision, "f32 (reference), bf16, int16, int8 or fast")
      ->check(CLI::IsMember({"fast", "int16", "int8", "bf16", "f32"}));
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
