#include "sandbox/workspace/content.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.h"
#include "fixture.h"

namespace sandbox {
namespace {

constexpr content::HashKey kPaperKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

class ContentTest : public WorkspaceTest {
 protected:
  base::UniqueFd file(const std::string& name, const std::string& text) {
    write(workspace / name, text);
    return base::UniqueFd(open((workspace / name).c_str(), O_RDWR | O_CLOEXEC));
  }
};

TEST_F(ContentTest, TheHashIsThatOfThePaper) {
  std::string text;
  for (char c = 0; c < 15; ++c) text += c;
  // Appendix A of the paper, and the first line of the test vectors that came with it.
  EXPECT_EQ(content::hash(text, kPaperKey), 0xa129ca6149be45e5u);
  EXPECT_EQ(content::hash("", kPaperKey), 0x726fdb47dd0e0e31u);
  EXPECT_NE(content::hash(text, content::random_key()), 0xa129ca6149be45e5u);
}

TEST_F(ContentTest, AFileHasTheHashOfItsTextAlsoOverManyBlocks) {
  for (const size_t size : {0u, 1u, 7u, 8u, 9u, 262'143u, 262'144u, 262'145u, 600'001u}) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>('a' + (i * 7 + i / 251) % 26);
    const base::UniqueFd fd = file("f" + std::to_string(size), text);
    const base::Result<uint64_t> hash = content::hash(fd.get(), size, kPaperKey);
    ASSERT_TRUE(hash);
    EXPECT_EQ(*hash, content::hash(text, kPaperKey)) << size;
  }
}

TEST_F(ContentTest, EqualFilesAreEqualAndOthersAreNot) {
  const std::string text(300'000, 'x');
  const base::UniqueFd a = file("a", text), same = file("same", text);
  const base::UniqueFd last = file("last", text.substr(1) + "y"), cut = file("cut", text.substr(1));
  EXPECT_TRUE(*content::equal(a.get(), same.get(), text.size()));
  EXPECT_FALSE(*content::equal(a.get(), last.get(), text.size()));
  EXPECT_FALSE(*content::equal(a.get(), cut.get(), text.size()));
  EXPECT_TRUE(*content::equal(a.get(), last.get(), 0));
}

TEST_F(ContentTest, ACopyKeepsHolesAndEndsWhereTheFileDoes) {
  base::UniqueFd from = file("holes", "begin");
  ASSERT_EQ(ftruncate(from.get(), 3 << 20), 0);
  ASSERT_EQ(pwrite(from.get(), "middle", 6, 2 << 20), 6);
  const base::UniqueFd to = file("copy", "");
  ASSERT_TRUE(content::copy(from.get(), to.get(), 3 << 20));
  struct stat info {};
  ASSERT_EQ(fstat(to.get(), &info), 0);
  EXPECT_EQ(info.st_size, 3 << 20);
  EXPECT_TRUE(*content::equal(from.get(), to.get(), 3 << 20));
  EXPECT_LT(info.st_blocks * 512, 2 << 20);
  EXPECT_FALSE(content::copy(from.get(), to.get(), 100));
}

}  // namespace
}  // namespace sandbox
