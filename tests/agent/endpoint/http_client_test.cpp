#include "agent/endpoint/http_client.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <filesystem>

#include "tests/agent/endpoint/fake_server.h"

namespace agent {
namespace {

using Clock = std::chrono::steady_clock;
using base::Errc;

struct Got {
  base::Result<HttpReplyHead> head;
  std::string body;
};

Got ask(const std::string& url, HttpClientOptions options = {}, const std::string* body = nullptr,
        std::stop_token stop = {}) {
  Got got{.head = base::Error{Errc::internal, "not asked"}, .body = {}};
  const base::Result<EndpointUrl> parsed = parse_endpoint(url);
  if (!parsed) {
    got.head = parsed.error();
    return got;
  }
  got.head = HttpClient(*parsed, options)
                 .ask(
                     "/v1/x", body,
                     [&](const HttpReplyHead&, std::string_view piece) {
                       got.body += piece;
                       return true;
                     },
                     Clock::now() + std::chrono::seconds(20), stop);
  return got;
}

TEST(EndpointUrl, IsReadWithItsDefaults) {
  const auto read = [](const char* url) {
    const base::Result<EndpointUrl> parsed = parse_endpoint(url);
    if (!parsed) return parsed.error().message;
    return (parsed->tls ? "tls " : "") + parsed->authority() + " " + parsed->base + " [" +
           parsed->root + "]" + (parsed->is_local() ? " local" : "");
  };
  EXPECT_EQ(read("http://localhost:8080"), "localhost:8080 /v1 [] local");
  EXPECT_EQ(read("http://localhost:11434/v1/"), "localhost:11434 /v1 [] local");
  EXPECT_EQ(read("HTTP://LocalHost/v1/chat/completions"), "localhost /v1 [] local");
  EXPECT_EQ(read("https://example.org/api/v1"), "tls example.org /api/v1 [/api]");
  EXPECT_EQ(read("https://example.org:8443/openai"), "tls example.org:8443 /openai [/openai]");
  EXPECT_EQ(read("http://[::1]:1234"), "[::1]:1234 /v1 [] local");
  EXPECT_EQ(read("http://[::]:1234"), "[::1]:1234 /v1 [] local");
  EXPECT_EQ(read("http://0.0.0.0:8000"), "127.0.0.1:8000 /v1 [] local");
  EXPECT_EQ(read("http://127.9.9.9:8000"), "127.9.9.9:8000 /v1 [] local");
  EXPECT_EQ(read("http://10.0.0.5"), "10.0.0.5 /v1 []");
  EXPECT_EQ(read("http://localhost.example.org"), "localhost.example.org /v1 []");
}

TEST(EndpointUrl, WhatIsNoneIsRefusedWithItsReason) {
  for (const char* url : {"",
                          "localhost:8080",
                          "ftp://a",
                          "http://",
                          "http://a:0",
                          "http://a:70000",
                          "http://a:1x",
                          "http://u:secret@a/",
                          "http://a?x=1",
                          "http://a#x",
                          "http://a b",
                          "http://a\r\nX: y",
                          "http://[::1",
                          "http://[zz]",
                          "http://[::1]x",
                          "http://127.1",
                          "http://2130706433",
                          "http://0x7f000001",
                          "http://ä.de",
                          "http:///v1"}) {
    const base::Result<EndpointUrl> parsed = parse_endpoint(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code, Errc::usage) << url;
    EXPECT_EQ(parsed.error().message.find("secret"), std::string::npos);
  }
  EXPECT_FALSE(parse_endpoint("http://" + std::string(2000, 'a')));
}

TEST(HttpClient, SendsOneRequestAndGivesTheWholeReply) {
  FakeServer server({FakeServer::json("{\"a\": 1}")});
  const std::string body = "{\"q\": 2}";
  const Got got = ask(server.url(), {.key = "k-1"}, &body);
  ASSERT_TRUE(got.head) << got.head.error().message;
  EXPECT_EQ(got.head->status, 200);
  EXPECT_EQ(got.head->type, "application/json");
  EXPECT_EQ(got.body, "{\"a\": 1}");
  const std::string request = server.requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /v1/x HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("Host: 127.0.0.1:" + std::to_string(server.port())), std::string::npos);
  EXPECT_NE(request.find("Authorization: Bearer k-1"), std::string::npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\n" + body));
}

TEST(HttpClient, LocalhostIsThisMachineWithoutAskingAnyone) {
  FakeServer server({FakeServer::json("{}")});
  const Got got = ask("http://localhost:" + std::to_string(server.port()));
  ASSERT_TRUE(got.head) << got.head.error().message;
  EXPECT_EQ(got.body, "{}");
}

TEST(HttpClient, ProxiesOfTheEnvironmentAreNotAsked) {
  FakeServer proxy({}), server({FakeServer::json("{}")});
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"})
    ::setenv(name, proxy.url().c_str(), 1);
  const Got got = ask(server.url());
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
  EXPECT_TRUE(got.head);
  EXPECT_TRUE(proxy.requests().empty());
}

TEST(HttpClient, RedirectsAreTheAnswerAndNotFollowed) {
  FakeServer other({}),
      server({FakeServer::answers(302, "text/plain", "", "Location: " + other.url() + "\r\n")});
  const Got got = ask(server.url());
  ASSERT_TRUE(got.head);
  EXPECT_EQ(got.head->status, 302);
  EXPECT_EQ(got.head->location, other.url());
  EXPECT_TRUE(other.requests().empty());
}

TEST(HttpClient, WhatIsNoReplyIsSaidInOneSentence) {
  struct Case {
    const char* name;
    FakeServer::Action action;
    Errc code;
  };
  const std::vector<Case> cases = {
      {"closed at once", [](int, const std::string&) {}, Errc::corrupt},
      {"cut in the head",
       [](int fd, const std::string&) { FakeServer::send(fd, "HTTP/1.1 200 OK\r\nConte"); },
       Errc::corrupt},
      {"cut in the body",
       [](int fd, const std::string&) {
         FakeServer::send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
       },
       Errc::corrupt},
      {"cut in a chunk",
       [](int fd, const std::string&) {
         FakeServer::send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nshort");
       },
       Errc::corrupt},
      {"a wrong chunk",
       [](int fd, const std::string&) {
         FakeServer::send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n");
       },
       Errc::corrupt},
      {"a negative length",
       [](int fd, const std::string&) {
         FakeServer::send(fd, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nshort");
       },
       Errc::corrupt},
      {"garbage",
       [](int fd, const std::string&) { FakeServer::send(fd, "\x00\x01SSH-2.0 hello\r\n\r\n"); },
       Errc::corrupt},
      {"an endless head",
       [](int fd, const std::string&) {
         FakeServer::send(fd, "HTTP/1.1 200 OK\r\n");
         for (int i = 0; i < 100; ++i)
           FakeServer::send(fd, "X: " + std::string(2000, 'a') + "\r\n");
       },
       Errc::limit},
      {"packed", FakeServer::answers(200, "text/plain", "x", "Content-Encoding: br\r\n"),
       Errc::corrupt},
      {"too much", FakeServer::answers(200, "text/plain", std::string(100'000, 'x')), Errc::limit}};
  for (const Case& one : cases) {
    FakeServer server({one.action});
    const Got got = ask(server.url(), {.max_reply_bytes = 50'000});
    ASSERT_FALSE(got.head) << one.name;
    EXPECT_EQ(got.head.error().code, one.code) << one.name << ": " << got.head.error().message;
    EXPECT_NE(
        got.head.error().message.find(
            one.code == Errc::corrupt && std::string(one.name) == "packed" ? "br" : "127.0.0.1"),
        std::string::npos)
        << one.name << ": " << got.head.error().message;
  }
}

TEST(HttpClient, NobodyThereIsSaid) {
  int port = 0;
  {
    FakeServer server({});
    port = server.port();
  }
  const Got got = ask("http://127.0.0.1:" + std::to_string(port));
  ASSERT_FALSE(got.head);
  EXPECT_EQ(got.head.error().code, Errc::not_found);
  EXPECT_NE(got.head.error().message.find("nobody listens"), std::string::npos);
  const Got local = ask("http://localhost:" + std::to_string(port));
  ASSERT_FALSE(local.head);
  EXPECT_NE(local.head.error().message.find("nobody listens"), std::string::npos)
      << local.head.error().message;
}

TEST(HttpClient, ASilentServerEndsAtTheDeadline) {
  FakeServer server({[](int fd, const std::string&) { FakeServer::wait_for_close(fd); },
                     [](int fd, const std::string&) {
                       FakeServer::send(fd, "HTTP/1.1 200 OK\r\n\r\nsome");
                       FakeServer::wait_for_close(fd);
                     }});
  for (const char* what : {"before the head", "in the body"}) {
    const Got got = ask(server.url(), {.silence_time = std::chrono::milliseconds(150)});
    ASSERT_FALSE(got.head) << what;
    EXPECT_EQ(got.head.error().code, Errc::limit) << what;
    EXPECT_NE(got.head.error().message.find("took too long"), std::string::npos);
  }
}

TEST(HttpClient, AStopRequestClosesTheConnection) {
  std::stop_source stop;
  std::atomic<bool> closed = false;
  FakeServer server({[&](int fd, const std::string&) {
    stop.request_stop();
    FakeServer::wait_for_close(fd);
    closed = true;
  }});
  const Got got = ask(server.url(), {}, nullptr, stop.get_token());
  ASSERT_FALSE(got.head);
  EXPECT_EQ(got.head.error().code, Errc::cancelled);
  const auto end = Clock::now() + std::chrono::seconds(10);
  while (!closed && Clock::now() < end) std::this_thread::yield();
  EXPECT_TRUE(closed);
}

TEST(HttpClient, EnoughEndsAReplyThatGoesOn) {
  FakeServer server({[](int fd, const std::string&) {
    FakeServer::send(fd, "HTTP/1.1 200 OK\r\n\r\nfirst");
    FakeServer::wait_for_close(fd);
  }});
  const base::Result<EndpointUrl> url = parse_endpoint(server.url());
  ASSERT_TRUE(url);
  std::string heard;
  const base::Result<HttpReplyHead> head =
      HttpClient(*url, {}).ask("/", nullptr,
                               [&](const HttpReplyHead&, std::string_view piece) {
                                 heard += piece;
                                 return false;
                               },
                               Clock::now() + std::chrono::seconds(10), {});
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(heard, "first");
}

/// A certificate for localhost that signs itself.
class Certificate {
 public:
  Certificate() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:localhost");
    X509_add_ext(certificate_, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate_, key_, EVP_sha256());
    std::string name_of_file =
        (std::filesystem::temp_directory_path() / "endpoint_test.XXXXXX").string();
    ::close(::mkstemp(name_of_file.data()));
    file = name_of_file;
    FILE* out = std::fopen(file.c_str(), "w");
    PEM_write_X509(out, certificate_);
    std::fclose(out);
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, certificate_);
    SSL_CTX_use_PrivateKey(context_, key_);
  }
  ~Certificate() {
    SSL_CTX_free(context_);
    X509_free(certificate_);
    EVP_PKEY_free(key_);
    std::filesystem::remove(file);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  FakeServer::Action answers(const std::string& body) {
    return [this, body](int fd, const std::string&) {
      SSL* ssl = SSL_new(context_);
      SSL_set_fd(ssl, fd);
      if (SSL_accept(ssl) == 1) {
        char buffer[4096];
        SSL_read(ssl, buffer, sizeof buffer);
        const std::string out = FakeServer::response(200, "text/plain", body);
        SSL_write(ssl, out.data(), static_cast<int>(out.size()));
        SSL_shutdown(ssl);
      }
      SSL_free(ssl);
    };
  }

  std::string file;

 private:
  EVP_PKEY* key_;
  X509* certificate_;
  SSL_CTX* context_ = nullptr;
};

TEST(HttpClient, HttpsNeedsATrustedCertificateOfThatName) {
  Certificate certificate;
  const FakeServer::Action hello = certificate.answers("hello");
  FakeServer server({hello, hello, hello, [](int fd, const std::string&) {
                       FakeServer::send(fd, "HTTP/1.1 400 no TLS here\r\n\r\n");
                     }});
  server.raw = true;
  const std::string port = std::to_string(server.port());

  const Got trusted = ask("https://localhost:" + port, {.ca_file = certificate.file});
  ASSERT_TRUE(trusted.head) << trusted.head.error().message;
  EXPECT_EQ(trusted.body, "hello");

  const Got unknown = ask("https://localhost:" + port);
  ASSERT_FALSE(unknown.head);
  EXPECT_EQ(unknown.head.error().code, Errc::refused);
  EXPECT_NE(unknown.head.error().message.find("is not trusted"), std::string::npos)
      << unknown.head.error().message;

  const Got other_name = ask("https://127.0.0.1:" + port, {.ca_file = certificate.file});
  ASSERT_FALSE(other_name.head);
  EXPECT_EQ(other_name.head.error().code, Errc::refused);

  const Got no_tls = ask("https://localhost:" + port, {.ca_file = certificate.file});
  ASSERT_FALSE(no_tls.head);
  EXPECT_EQ(no_tls.head.error().code, Errc::refused) << no_tls.head.error().message;
}

}  // namespace
}  // namespace agent
