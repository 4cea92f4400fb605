#include "sandbox/proxy_request.h"

#include <gtest/gtest.h>

namespace sandbox {
namespace {

/// The reason for refusing `head`, which is written with LF for CRLF; empty when it is not.
std::string problem(const std::string& head) {
  std::string text;
  for (char c : head) text += c == '\n' ? "\r\n" : std::string(1, c);
  return read_proxy_request(text + "\r\n").problem;
}

TEST(ProxyRequest, ReadsATunnel) {
  const ProxyRequest request =
      read_proxy_request("CONNECT Example.Net:443 HTTP/1.1\r\nHost: example.net:443\r\n\r\n");
  EXPECT_EQ(request.status, 0) << request.problem;
  EXPECT_TRUE(request.tunnel);
  EXPECT_EQ(request.host, "example.net");
  EXPECT_EQ(request.port, 443);
  EXPECT_EQ(request.head, "");
  EXPECT_EQ(read_proxy_request("CONNECT [::1]:80 HTTP/1.0\r\n\r\n").host, "::1");
}

TEST(ProxyRequest, WritesTheHeadAnewWithoutWhatIsForThisConnection) {
  const ProxyRequest request = read_proxy_request(
      "POST http://Example.org:8080/a?b=c HTTP/1.1\r\nHost: example.org:8080\r\nX-One:  1 \r\n"
      "Connection: close, X-Hop\r\nX-Hop: 1\r\nProxy-Connection: keep-alive\r\n"
      "Proxy-Authorization: Basic x\r\nTE: trailers\r\nUpgrade: h2c\r\nContent-Length: 12\r\n\r\n");
  EXPECT_EQ(request.status, 0) << request.problem;
  EXPECT_EQ(request.content_length, 12u);
  EXPECT_EQ(request.port, 8080);
  EXPECT_EQ(request.head,
            "POST /a?b=c HTTP/1.1\r\nHost: example.org:8080\r\nX-One:  1 \r\nContent-Length: "
            "12\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(read_proxy_request("GET http://a HTTP/1.0\r\n\r\n").head,
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(read_proxy_request("GET http://a?q HTTP/1.0\r\n\r\n").head,
            "GET /?q HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(read_proxy_request("GET http://[::1]:81/ HTTP/1.0\r\n\r\n").head,
            "GET / HTTP/1.1\r\nHost: [::1]:81\r\nConnection: close\r\n\r\n");
  // Its body would otherwise become the next request.
  EXPECT_NE(read_proxy_request("POST http://a/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                               "Connection: content-length\r\n\r\n")
                .head.find("Content-Length: 3"),
            std::string::npos);
}

TEST(ProxyRequest, RefusesWhatServersReadDifferently) {
  const std::string get = "GET http://a/ HTTP/1.1\n";
  EXPECT_EQ(problem(get + "Host: a\n"), "");
  EXPECT_EQ(problem(get), "the request has no Host header");
  EXPECT_EQ(problem(get + "Host: a\nHost: a\n"), "the request has two Host headers");
  EXPECT_EQ(problem(get + "Host: b\n"), "the Host header names \"b\", the request a");
  EXPECT_EQ(problem(get + "Host: a:81\n"), "the Host header names \"a:81\", the request a");
  EXPECT_EQ(problem(get + "Host: a\nContent-Length: 3\nTransfer-Encoding: chunked\n"),
            "a body must come with Content-Length, not Transfer-Encoding");
  EXPECT_EQ(problem(get + "Host: a\nTransfer-Encoding: xchunked\n"),
            "a body must come with Content-Length, not Transfer-Encoding");
  EXPECT_EQ(problem(get + "Host: a\nContent-Length: 3\nContent-Length: 3\n"),
            "the request has two Content-Length headers");
  for (const char* length : {"", "-1", "+1", "1,1", "0x1", "1 1", "99999999999999999999"}) {
    EXPECT_EQ(problem(get + "Host: a\nContent-Length: " + length + "\n"),
              "Content-Length is not a number");
  }
  for (const char* header : {" Host: a\n", "Host : a\n", "Host: a\n folded\n", "Host\n", ": a\n",
                             "Ho st: a\n", "Transfer-Encoding : chunked\nHost: a\n"})
    EXPECT_EQ(problem(get + header), "a header is not NAME: VALUE") << header;
  for (const char* head :
       {"GET http://a/ HTTP/1.1\nHost: a\n\n", "GET http://a/ HTTP/1.1\r\nHost: a\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "GET http://a/ HTTP/1.1\r\nHost: a\r\n",
        "\r\n\r\n"})
    EXPECT_NE(read_proxy_request(head).status, 0) << head;
  EXPECT_EQ(
      read_proxy_request(std::string("GET http://a/ HTTP/1.1\r\nHost: a\0b\r\n\r\n", 37)).problem,
      "the request holds a control character");
}

TEST(ProxyRequest, RefusesTargetsThatNameNoHost) {
  for (const char* target : {"/",
                             "*",
                             "http://",
                             "http:///x",
                             "http://u@a/",
                             "http://u:p@a/",
                             "https://a/",
                             "ftp://a/",
                             "http://a#b",
                             "http://a:0/",
                             "http://a:99999/",
                             "http://a:x/",
                             "http://a\\@b/",
                             "http://0x7f.1/",
                             "http://2130706433/",
                             "http://0177.0.0.1/",
                             "http://127.1/",
                             "http://[::1/",
                             "http://[a]/",
                             "http://::1/",
                             "http://a%2eb/",
                             "http://a_b..c/",
                             "a:80",
                             "http://a /",
                             "http://\xc3\xbc/"}) {
    EXPECT_NE(problem(std::string("GET ") + target + " HTTP/1.0\n"), "") << target;
  }
  for (const char* target :
       {"a", "a:", ":443", "http://a:443", "a:443/", "u@a:443", "::1:443", "a:443:443"})
    EXPECT_NE(problem(std::string("CONNECT ") + target + " HTTP/1.0\n"), "") << target;
  for (const char* line :
       {"GET http://a/", "GET  HTTP/1.1", "GET http://a/ HTTP/2.0", "G(T http://a/ HTTP/1.1",
        " GET http://a/ HTTP/1.1", "GET http://a/ http/1.1", "GET http://a/ HTTP/1.1 "})
    EXPECT_EQ(problem(std::string(line) + "\nHost: a\n"),
              "the first line is not METHOD TARGET HTTP/1.1")
        << line;
  EXPECT_EQ(problem("CONNECT a:1 HTTP/1.0\nContent-Length: 1\n"), "CONNECT cannot have a body");
}

TEST(ProxyRequest, KnowsPublicAddresses) {
  for (const char* address : {"0.0.0.0",
                              "0.1.2.3",
                              "10.0.0.1",
                              "100.64.0.1",
                              "127.0.0.1",
                              "127.255.255.255",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.0.0.1",
                              "192.168.1.1",
                              "198.18.0.1",
                              "224.0.0.1",
                              "240.0.0.1",
                              "255.255.255.255",
                              "168.63.129.16",
                              "::",
                              "::1",
                              "::ffff:127.0.0.1",
                              "::ffff:a9fe:a9fe",
                              "::127.0.0.1",
                              "64:ff9b::10.0.0.1",
                              "64:ff9b:1::1",
                              "2002:7f00:1::",
                              "2002:a9fe:a9fe::1",
                              "2001::1",
                              "2001:db8::1",
                              "fc00::1",
                              "fd00:ec2::254",
                              "fe80::1",
                              "ff02::1",
                              "100::1",
                              "",
                              "localhost",
                              "127.1",
                              "0177.0.0.1",
                              "2130706433",
                              "1.2.3.4%1"})
    EXPECT_FALSE(is_public_address(address)) << address;
  for (const char* address :
       {"1.1.1.1", "9.255.255.255", "11.0.0.0", "126.255.255.255", "128.0.0.0", "172.15.255.255",
        "172.32.0.0", "192.167.255.255", "100.63.255.255", "223.255.255.255", "2606:4700::1111",
        "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1", "2001:4860:4860::8888"})
    EXPECT_TRUE(is_public_address(address)) << address;
}

}  // namespace
}  // namespace sandbox
