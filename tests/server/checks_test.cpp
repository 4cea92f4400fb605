#include "server/http/checks.h"

#include <gtest/gtest.h>

namespace server {
namespace {

TEST(Door, LoopbackIsKnownByNameAndByAddressWithAnyPort) {
  for (const char* host : {"localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "127.8.9.1",
                           "[::1]", "[::1]:8080"})
    EXPECT_TRUE(host_allowed(host, {})) << host;
}

TEST(Door, OtherNamesAreTurnedAwayUnlessAllowed) {
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", ":8080", "[::1",
        "[::2]", "192.168.0.1", "127.0.0.1:8080:1", "127.0.0.1:x", "localhost:123456"})
    EXPECT_FALSE(host_allowed(host, {})) << host;
  EXPECT_TRUE(host_allowed("Box.Lan:8080", {"box.lan"}));
  EXPECT_FALSE(host_allowed("box.lan.evil", {"box.lan"}));
}

TEST(Door, OnlyPagesOfThisMachineAreLetIn) {
  for (const char* origin : {"", "http://localhost", "http://127.0.0.1:3000", "https://[::1]:1"})
    EXPECT_TRUE(origin_allowed(origin, {})) << origin;
  for (const char* origin : {"null", "https://evil.example", "http://localhost.evil.example",
                             "file://", "chrome-extension://abc", "http://", "localhost"})
    EXPECT_FALSE(origin_allowed(origin, {})) << origin;
  EXPECT_TRUE(origin_allowed("https://my.example", {"https://my.example"}));
  EXPECT_FALSE(origin_allowed("https://my.example:1", {"https://my.example"}));
}

TEST(Door, TheKeyIsTakenFromEitherHeaderAndMustBeWhole) {
  EXPECT_TRUE(key_accepted("", "", ""));
  EXPECT_TRUE(key_accepted("Bearer secret", "", "secret"));
  EXPECT_TRUE(key_accepted("bearer secret", "", "secret"));
  EXPECT_TRUE(key_accepted("", "secret", "secret"));
  for (const char* given : {"", "Bearer ", "Bearer secre", "Bearer secrets", "secret",
                            "Basic secret", "Bearer Secret", "Bearer  secret"})
    EXPECT_FALSE(key_accepted(given, "", "secret")) << given;
  EXPECT_FALSE(key_accepted("", "Secret", "secret"));
}

TEST(Door, AddressesThatReachThisMachineOnly) {
  EXPECT_TRUE(is_loopback("127.0.0.1"));
  EXPECT_TRUE(is_loopback("::1"));
  for (const char* address : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost", ""})
    EXPECT_FALSE(is_loopback(address)) << address;
}

}  // namespace
}  // namespace server
