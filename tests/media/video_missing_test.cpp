// Linked with media/video_missing.cpp, whatever this build has.

#include <gtest/gtest.h>

#include "media/video.h"

TEST(VideoMissing, SaysWhichPackagesToInstallAndToRebuild) {
  EXPECT_FALSE(media::can_decode_video());
  const base::Result<media::Video> video = media::decode_video("film.mp4", 32);
  ASSERT_FALSE(video);
  EXPECT_EQ(video.error().code, base::Errc::unsupported);
  for (const std::string words :
       {"film.mp4", "libavformat-dev", "libavcodec-dev", "libswscale-dev", "rebuild"})
    EXPECT_NE(video.error().message.find(words), std::string::npos) << video.error().message;
}
