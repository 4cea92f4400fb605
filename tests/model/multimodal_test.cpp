#include <gtest/gtest.h>

#include <algorithm>
#include "base/json.h"

#include "media/image.h"
#include "model/model.h"
#include "model/sampler.h"
#include "tests/golden.h"
#include "tests/npy.h"

// The tiny Gemma 4 with its embedders against the reference's soft tokens, logits and greedy
// tokens.

namespace model {
namespace {

constexpr TokenId kImage = 501, kAudio = 504;

std::vector<int32_t> ids_of(const std::string& name) {
  return read_npy<int32_t>(golden("tiny/" + name + ".npy"));
}
std::vector<float> floats_of(const std::string& name) {
  return read_npy<float>(golden("tiny/" + name + ".npy"));
}

Engine load(LoadOptions options = {.precision = Precision::f32, .threads = 2}) {
  options.mmproj = golden("tiny/mmproj-f32.gguf");
  base::Result<Engine> engine = Engine::load(golden("tiny/tiny-f32.gguf"), options);
  if (!engine) throw std::runtime_error(engine.error().message);
  return std::move(*engine);
}

void expect_near(std::span<const float> actual, std::span<const float> expected, float tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], tolerance) << i;
}

struct Grid {
  const char* name;
  PatchGrid grid;
};
constexpr Grid kGrids[] = {{"g3x2", {3, 2}}, {"g1x5", {1, 5}}, {"g4x4", {4, 4}}, {"g2x1", {2, 1}}};

/// Soft tokens of patches that the reference made.
std::vector<float> embed_grid(const VisionEmbedder& vision, const Grid& grid, ThreadPool& pool) {
  const std::vector<float> table = floats_of("image_preprocess_rescale_table");
  std::vector<float> patches;
  for (const uint8_t byte :
       read_npy<uint8_t>(golden(std::string("tiny/vision_") + grid.name + "_patches_u8.npy")))
    patches.push_back(table[byte]);
  return vision.embed_patches(patches, grid.grid, pool);
}

/// Puts soft tokens, in order, where the placeholders are.
std::vector<Position> place(const std::vector<int32_t>& ids, std::span<const float> images,
                            std::span<const float> audio) {
  constexpr size_t kHidden = 64;
  std::vector<Position> prompt;
  for (const int32_t id : ids) {
    Position p{.id = id};
    std::span<const float>& from = id == kImage ? images : audio;
    if (id == kImage || id == kAudio) {
      if (from.size() < kHidden) throw std::runtime_error("too few soft tokens");
      p.soft = from.first(kHidden);
      from = from.subspan(kHidden);
      p.patch = id == kImage;
    }
    prompt.push_back(p);
  }
  EXPECT_TRUE(images.empty() && audio.empty()) << "soft tokens are left over";
  return prompt;
}

class Multimodal : public testing::Test {
 protected:
  Multimodal()
      : file(std::move(*Checkpoint::open(golden("tiny/mmproj-f32.gguf")))),
        vision(std::move(*VisionEmbedder::bind(file.tensors(), 64))),
        engine(load()) {}
  Checkpoint file;
  ThreadPool pool{2};
  VisionEmbedder vision;
  Engine engine;
};

TEST_F(Multimodal, SoftTokensOfPatchesEqualTheReference) {
  for (const Grid& grid : kGrids)
    expect_near(embed_grid(vision, grid, pool),
                floats_of(std::string("vision_") + grid.name + "_embeds"), 2e-5f);
}

TEST_F(Multimodal, SoftTokensOfPicturesEqualTheReference) {
  for (const char* name : {"A_200x150_rgb", "C_40x40_rgb", "D_1000x20_rgb"}) {
    const base::Result<std::string> bytes =
        base::read_file(golden(std::string("tiny/media/") + name + ".png"), 1 << 20);
    ASSERT_TRUE(bytes) << bytes.error().message;
    const base::Result<media::Pixels> picture = media::decode(*bytes);
    ASSERT_TRUE(picture) << picture.error().message;
    base::Result<SoftTokens> soft = engine.embed_image(*picture, 70);
    ASSERT_TRUE(soft) << soft.error().message;
    expect_near(soft->values, floats_of(std::string("vision_") + name + "_embeds"), 2e-5f);
    Session session(engine, 128);
    const std::vector<int32_t> ids = ids_of(std::string("image_text_") + name + "_ids");
    base::Result<std::vector<float>> logits = session.all_logits(place(ids, soft->values, {}));
    ASSERT_TRUE(logits) << logits.error().message;
    expect_near(std::span(*logits).last(24 * 512),
                floats_of(std::string("image_text_") + name + "_logits"), 2e-3f);
  }
}

TEST_F(Multimodal, LogitsWithAnImageEqualTheReferenceUnderBothMasks) {
  for (const Grid& grid : kGrids) {
    const std::vector<float> soft = embed_grid(vision, grid, pool);
    const std::string prefix = std::string("image_text_") + grid.name;
    const std::vector<Position> prompt = place(ids_of(prefix + "_ids"), soft, {});
    Session session(engine, 64);
    base::Result<std::vector<float>> logits = session.all_logits(prompt);
    ASSERT_TRUE(logits) << logits.error().message;
    expect_near(*logits, floats_of(prefix + "_logits"), 2e-3f);
    session.set_mask(ImageMask::transformers_5_24);
    logits = session.all_logits(prompt);
    ASSERT_TRUE(logits) << logits.error().message;
    expect_near(std::span(*logits).last(8 * 512), floats_of(prefix + "_logits_hf524_forward_last8"),
                2e-3f);
  }
}

TEST_F(Multimodal, SoftTokensAndLogitsOfSoundEqualTheReference) {
  const std::vector<float> wave = floats_of("audio_waveform_7777");
  base::Result<SoftTokens> soft = engine.embed_audio(wave);
  ASSERT_TRUE(soft) << soft.error().message;
  EXPECT_EQ(soft->n, 13);
  expect_near(soft->values, floats_of("audio_embeds"), 2e-5f);
  Session session(engine, 64);
  base::Result<std::vector<float>> logits =
      session.all_logits(place(ids_of("audio_ids"), {}, soft->values));
  ASSERT_TRUE(logits) << logits.error().message;
  expect_near(*logits, floats_of("audio_logits"), 2e-3f);
}

TEST_F(Multimodal, ImagesAndSoundInOnePromptInAnyChunking) {
  std::vector<float> images = embed_grid(vision, kGrids[0], pool);
  const std::vector<float> second = embed_grid(vision, kGrids[2], pool);
  images.insert(images.end(), second.begin(), second.end());
  const base::Result<SoftTokens> sound = engine.embed_audio(floats_of("audio_waveform_7777"));
  ASSERT_TRUE(sound);
  const std::vector<Position> mixed = place(ids_of("mixed_ids"), images, sound->values);
  const std::vector<float> expected = floats_of("mixed_logits");
  Session session(engine, 128);
  base::Result<std::vector<float>> logits = session.all_logits(mixed);
  ASSERT_TRUE(logits) << logits.error().message;
  expect_near(*logits, expected, 2e-3f);
  const std::vector<Position> two = place(ids_of("mixed_two_images_ids"), images, {});
  logits = session.all_logits(two);
  ASSERT_TRUE(logits) << logits.error().message;
  expect_near(*logits, floats_of("mixed_two_images_logits"), 2e-3f);
  // A prompt read up to any point, also inside an image, and then in full.
  for (size_t cut = 1; cut < mixed.size(); ++cut) {
    Session cutting(engine, 128);
    ASSERT_TRUE(cutting.prefill(std::span(mixed).first(cut), {}));
    base::Result<PrefillStats> stats = cutting.prefill(mixed, {});
    ASSERT_TRUE(stats);
    EXPECT_LE(stats->reused, static_cast<int>(cut));
    expect_near(cutting.logits(), std::span(expected).last(512), 2e-3f);
  }
}

TEST_F(Multimodal, AnotherPictureIsNotTakenForTheSame) {
  const std::vector<float> soft = embed_grid(vision, kGrids[0], pool);
  std::vector<float> other = soft;
  other[70] += 0.5f;
  const std::vector<int32_t> ids = ids_of("image_text_g3x2_ids");
  Session session(engine, 64), fresh(engine, 64);
  ASSERT_TRUE(session.prefill(place(ids, soft, {}), {}));
  const std::vector<Position> prompt = place(ids, other, {});
  base::Result<PrefillStats> stats = session.prefill(prompt, {});
  ASSERT_TRUE(stats);
  size_t first = 0;
  while (ids[first] != kImage) ++first;
  EXPECT_EQ(stats->reused, static_cast<int>(first)) << "all of the image is computed again";
  ASSERT_TRUE(fresh.prefill(prompt, {}));
  expect_near(session.logits(), fresh.logits(), 1e-4f);
  stats = session.prefill(place(ids, other, {}), {});
  EXPECT_EQ(stats->reused, static_cast<int>(ids.size()) - 1) << "the same picture is kept";
}

TEST_F(Multimodal, GreedyTokensEqualTheReference) {
  std::vector<float> images = embed_grid(vision, kGrids[0], pool);
  const std::vector<float> second = embed_grid(vision, kGrids[2], pool);
  const base::Result<SoftTokens> sound = engine.embed_audio(floats_of("audio_waveform_7777"));
  for (const char* name : {"text", "text2", "image", "mixed"}) {
    const std::vector<int32_t> ids = ids_of(std::string("generate_") + name + "_prompt");
    std::vector<float> soft;
    const size_t n = static_cast<size_t>(std::count(ids.begin(), ids.end(), kImage));
    const bool hears = std::count(ids.begin(), ids.end(), kAudio) > 0;
    if (n >= 6) soft = images;
    if (n == 16) soft = second;
    if (n == 22) soft.insert(soft.end(), second.begin(), second.end());
    Session session(engine, 128);
    base::Result<PrefillStats> read = session.prefill(
        place(ids, soft, hears ? std::span<const float>(sound->values) : std::span<const float>()),
        {});
    ASSERT_TRUE(read) << read.error().message;
    Sampler greedy({});
    for (const int32_t expected : ids_of(std::string("generate_") + name + "_tokens")) {
      const TokenId token = greedy.sample(Candidates::of_all(session.logits()));
      ASSERT_EQ(token, expected) << name;
      ASSERT_TRUE(session.decode(token));
    }
  }
}

TEST(PatchGrid, FollowsTheRuleForOddShapes) {
  struct Case {
    int width, height, budget, columns, rows;
  };
  for (const Case& c : {Case{512, 512, 280, 16, 16},
                        {640, 480, 280, 19, 14},
                        {1920, 1080, 280, 22, 12},
                        {1920, 1080, 1120, 44, 25},
                        {1, 1, 280, 16, 16},
                        {1, 20000, 70, 1, 70}}) {
    base::Result<PatchGrid> grid = patch_grid(c.width, c.height, c.budget);
    ASSERT_TRUE(grid) << grid.error().message;
    EXPECT_EQ(grid->columns, c.columns) << c.width << "x" << c.height;
    EXPECT_EQ(grid->rows, c.rows) << c.width << "x" << c.height;
  }
  EXPECT_EQ(patch_grid(10, 10, 100).error().code, base::Errc::usage);
  EXPECT_EQ(patch_grid(0, 10, 280).error().code, base::Errc::usage);
}

TEST(PatchGrid, EqualsTheReferenceForEverySizeAndBudget) {
  const base::Result<std::string> text = base::read_file(golden("tiny/resize_table.json"), 1 << 20);
  ASSERT_TRUE(text);
  const nlohmann::json table = nlohmann::json::parse(*text);
  ASSERT_GE(table.size(), 100u);
  for (const nlohmann::json& row : table) {
    base::Result<PatchGrid> grid = patch_grid(row["w"], row["h"], row["budget"]);
    if (row.contains("error")) {
      EXPECT_FALSE(grid) << row.dump();
      continue;
    }
    ASSERT_TRUE(grid) << row.dump() << grid.error().message;
    EXPECT_EQ(grid->columns * 48, row["tw"].get<int>()) << row.dump();
    EXPECT_EQ(grid->rows * 48, row["th"].get<int>()) << row.dump();
  }
}

TEST(Engine, SaysWhichTensorOfAnMmprojDoesNotFit) {
  LoadOptions options{.precision = Precision::f32, .threads = 1};
  options.mmproj = golden("tiny/tiny-f32.gguf");
  base::Result<Engine> engine = Engine::load(golden("tiny/tiny-f32.gguf"), options);
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("v.patch_embd.weight"), std::string::npos);
  const Checkpoint file = std::move(*Checkpoint::open(golden("tiny/mmproj-f32.gguf")));
  base::Result<VisionEmbedder> wide = VisionEmbedder::bind(file.tensors(), 3840);
  ASSERT_FALSE(wide);
  EXPECT_EQ(wide.error().message, "mm.input_projection.weight: 48x64 F32, expected 48x3840");
  base::Result<AudioEmbedder> audio = AudioEmbedder::bind(file.tensors(), 3840);
  ASSERT_FALSE(audio);
  EXPECT_EQ(audio.error().message, "mm.a.input_projection.weight: 640x64 F32, expected 640x3840");
}

}  // namespace
}  // namespace model
