#include "model/training/trainer.h"

#include <gtest/gtest.h>

#include <fstream>

#include "model/embedder_tensors.h"
#include "model/half.h"
#include "model/model.h"
#include "model/training/dataset.h"
#include "model/training/starting_lora.h"
#include "tests/model/folder.h"
#include "tests/model/training/tiny_model.h"

namespace model::training {
namespace {

std::string media_file(const char* name) { return golden(std::string("tiny/media/") + name); }

class Training : public testing::Test {
 protected:
  TinyModel tiny;
  TestFolder folder;
  base::Result<Tokenizer> tokenizer = tiny.checkpoint.tokenizer();
  DatasetOptions options{.max_tokens = 400,
                         .media = {.side = 48, .places = 80, .budget = 70, .frame = 640}};

  std::filesystem::path write(const std::string& text) {
    std::ofstream(folder.path() / "data.jsonl") << text;
    return folder.path() / "data.jsonl";
  }
  /// One line with a picture and a sound, one of text alone.
  std::filesystem::path mixed() {
    return write(R"({"messages":[{"role":"user","content":[{"type":"image","path":")" +
                 media_file("D_1000x20_rgb.png") + R"("},{"type":"text","text":"ab"},)" +
                 R"({"type":"audio","path":")" + media_file("speech_3200.wav") +
                 R"("}]},{"role":"assistant","content":"ba"}]})" + "\n\n" +
                 R"({"messages":[{"role":"user","content":"ab"},)" +
                 R"({"role":"assistant","content":"b"}]})" + "\n");
  }
  base::Result<std::vector<Sequence>> read(const std::filesystem::path& path) {
    return read_dataset(path, {}, *tokenizer, options);
  }
  Lora fresh() { return starting_lora(tiny.architecture, {.rank = 2, .alpha = 4, .seed = 3}); }
};

TEST_F(Training, ADatasetHasItsMediaInPlace) {
  const base::Result<std::vector<Sequence>> sequences = read(mixed());
  ASSERT_TRUE(sequences) << sequences.error().message;
  ASSERT_EQ(sequences->size(), 2u);
  const Sequence& s = (*sequences)[0];
  ASSERT_EQ(s.media.size(), 2u);
  EXPECT_EQ(s.media[0].n, 59);
  EXPECT_EQ(s.media[1].n, 5);
  for (const Medium& m : s.media)
    for (int t = -1; t < m.n; ++t) {
      const size_t at = static_cast<size_t>(m.row + t);
      EXPECT_EQ(s.labels[at], -1);
      if (t < 0) continue;
      EXPECT_EQ(s.tokens[at], m.kind == MediaKind::image ? 501 : 504);
    }
  EXPECT_EQ(s.tokens[static_cast<size_t>(s.media[0].row) - 1], 500);
  EXPECT_EQ(s.tokens[static_cast<size_t>(s.media[0].row + s.media[0].n)], 502);
  EXPECT_GE(s.labels.back(), 0);
}

TEST_F(Training, BadLinesAreNamedByTheirNumber) {
  auto complains = [&](const std::string& line, const std::string& about) {
    const base::Result<std::vector<Sequence>> sequences = read(write("\n" + line + "\n"));
    ASSERT_FALSE(sequences) << line;
    EXPECT_NE(sequences.error().message.find("data.jsonl line 2: "), std::string::npos)
        << sequences.error().message;
    EXPECT_NE(sequences.error().message.find(about), std::string::npos)
        << sequences.error().message;
  };
  auto with = [](const std::string& part) {
    return R"({"messages":[{"role":"user","content":[)" + part +
           R"(]},{"role":"assistant","content":"b"}]})";
  };
  complains("{", "not JSON");
  complains(R"({"messages":[{"role":"user","content":"a"}]})", "assistant");
  complains(with(R"({"type":"image"})"), "path");
  complains(with(R"({"type":"image","path":"none.png"})"), "none.png");
  complains(with(R"({"type":"image","path":")" + media_file("speech_3200.wav") + R"("})"),
            "speech_3200.wav");
  complains(with(R"({"type":"video","path":"a.mp4"})"), "a.mp4");
  options.max_tokens = 20;
  complains(with(R"({"type":"image","path":")" + media_file("D_1000x20_rgb.png") + R"("})"),
            "at most 20 fit");
  options.max_tokens = 400;
  options.media.side = 0;
  complains(with(R"({"type":"image","path":")" + media_file("D_1000x20_rgb.png") + R"("})"),
            "--embedders new");
}

TEST_F(Training, LearningRatesFollowTheSchedule) {
  TrainOptions o{.steps = 100, .learning_rate = 1, .warmup_steps = 10, .final_fraction = 0.1f};
  o.schedule = Schedule::constant;
  EXPECT_FLOAT_EQ(learning_rate(o, 4), 0.5f);
  EXPECT_FLOAT_EQ(learning_rate(o, 50), 1);
  o.schedule = Schedule::linear;
  EXPECT_FLOAT_EQ(learning_rate(o, 50), 0.55f);
  o.schedule = Schedule::cosine;
  EXPECT_FLOAT_EQ(learning_rate(o, 50), 0.55f);
  EXPECT_NEAR(learning_rate(o, 99), 0.1f, 1e-3f);
}

TEST_F(Training, AStoppedRunGoesOnToTheSameBits) {
  const base::Result<std::vector<Sequence>> sequences = read(mixed());
  ASSERT_TRUE(sequences);
  for (const bool full : {false, true}) {
    TrainOptions o{.steps = 5,
                   .batch_tokens = 400,
                   .accumulate = 2,
                   .embedder_rate = 2,
                   .warmup_steps = 2,
                   .weight_decay = 0.01f,
                   .checkpoint_every = 2};
    const DecoderOptions how{.full = full, .lora_dropout = 0.1f};
    TrainableModel whole = tiny.model(full ? tiny.no_lora() : fresh(), how, Precision::bf16);
    std::vector<double> losses;
    ASSERT_TRUE(train(whole, *sequences, *sequences, o,
                      [&](const StepReport& r) {
                        losses.push_back(r.loss);
                        EXPECT_EQ(r.evaluation >= 0, r.step == 5);
                      },
                      tiny.pool, {}));
    EXPECT_LT(losses.back(), losses.front());

    o.checkpoint = folder.path() / (full ? "full.state" : "lora.state");
    std::stop_source stop;
    TrainableModel first = tiny.model(full ? tiny.no_lora() : fresh(), how, Precision::bf16);
    const base::Status stopped = train(
        first, *sequences, *sequences, o,
        [&](const StepReport& r) {
          if (r.step == 2) stop.request_stop();
        },
        tiny.pool, stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, base::Errc::cancelled);
    TrainableModel second = tiny.model(full ? tiny.no_lora() : fresh(), how, Precision::bf16);
    int first_step = 0;
    ASSERT_TRUE(train(second, *sequences, *sequences, o,
                      [&](const StepReport& r) {
                        if (first_step == 0) first_step = r.step;
                      },
                      tiny.pool, {}));
    EXPECT_EQ(first_step, 3);
    const Parameters x = whole.parameters(), y = second.parameters();
    ASSERT_EQ(x.size(), y.size());
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(*x[i].value, *y[i].value) << x[i].name;

    o.learning_rate = 1e-3f;
    const base::Status other =
        train(second, *sequences, {}, o, [](const StepReport&) {}, tiny.pool, {});
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("other data or options"), std::string::npos);
  }
}

TEST_F(Training, ModulesWithScalesOfTheirOwnKeepThemUnderOneAlpha) {
  Lora lora = fresh();  // scale 2
  for (auto& layer : lora.layers)
    for (LowRank& low : layer) std::fill(low.b.begin(), low.b.end(), 0.5f);
  LowRank& own = lora.layers[0][static_cast<size_t>(Projection::q)];
  own.scale = 0.5f;
  const std::filesystem::path path = folder.path() / "adapter.gguf";
  ASSERT_TRUE(write_lora(path, lora, tiny.architecture, 4));
  const base::Result<Lora> read = Lora::open(path, tiny.architecture);
  ASSERT_TRUE(read) << read.error().message;
  for (size_t i = 0; i < lora.layers.size(); ++i)
    for (size_t p = 0; p < lora.layers[i].size(); ++p) {
      const LowRank &x = lora.layers[i][p], &y = read->layers[i][p];
      ASSERT_EQ(x.b.size(), y.b.size());
      for (size_t k = 0; k < x.b.size(); ++k) EXPECT_EQ(x.scale * x.b[k], y.scale * y.b[k]);
    }
}

TEST_F(Training, FreshEmbeddersAreReadBackFromTheAdapter) {
  VisionWeights vision = fresh_vision(64, 0.5f, 1);
  for (std::vector<float>* matrix : {&vision.dense, &vision.table, &vision.projection}) {
    std::vector<uint16_t> halves(matrix->size());  // as the file holds them
    const int n = static_cast<int>(halves.size());
    to_halves(matrix->data(), halves.data(), n);
    from_halves(halves.data(), matrix->data(), n);
  }
  const AudioWeights audio = fresh_audio(64, 0.5f, 1);
  std::vector<NamedTensor> tensors = tensors_of(vision);
  for (NamedTensor& t : tensors_of(audio)) tensors.push_back(std::move(t));
  const std::filesystem::path path = folder.path() / "adapter.gguf";
  ASSERT_TRUE(write_lora(path, fresh(), tiny.architecture, 4, tensors));
  const base::Result<Engine> engine = Engine::load(
      golden("tiny/tiny-f32.gguf"), {.precision = Precision::f32, .adapter = path, .threads = 2});
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_TRUE(engine->sees() && engine->hears());

  const base::Result<std::string> bytes = base::read_file(media_file("A_200x150_rgb.png"), 1 << 20);
  const media::Pixels picture = *media::decode(*bytes);
  const PatchGrid grid = *patch_grid(picture.width, picture.height, 70);
  TrainableVision in_training(vision, Precision::f32);
  in_training.add(cut_patches(picture, grid, 48, PixelScale::multiply), grid);
  const std::vector<float> expected = in_training.forward(tiny.pool);
  const base::Result<SoftTokens> soft = engine->embed_image(picture, 70);
  ASSERT_TRUE(soft) << soft.error().message;
  ASSERT_EQ(soft->values.size(), expected.size());
  double squares = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(soft->values[i], expected[i], 1e-5f);
    squares += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
  }
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(expected.size())), 0.5, 0.1)
      << "as large as the decoder's rows";
}

}  // namespace
}  // namespace model::training
