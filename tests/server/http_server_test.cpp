#include "server/http/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/server/http_client.h"

namespace server {
namespace {

using boost::system::error_code;

/// Answers by path: /echo the request, /stream three pieces, /wait until the client goes, /forget
/// nothing, /flood more than any buffer holds.
class Fixture : public ::testing::Test {
 protected:
  void start(HttpOptions options = {}) {
    auto listening = HttpServer::listen(std::move(options), [this](HttpRequest r, auto to) {
      return answer(this, std::move(r), std::move(to));
    });
    ASSERT_TRUE(listening) << listening.error().message;
    server_ = std::move(*listening);
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override {
    if (!server_) return;
    server_->stop();
    thread_.join();
  }
  RawClient client() { return RawClient(server_->port()); }

  static net::awaitable<void> answer(Fixture* self, HttpRequest request,
                                     std::shared_ptr<Responder> to) {
    if (request.path == "/echo") {
      HttpReply reply;
      reply.type = "text/plain";
      reply.body = request.method + " " + request.query + " " +
                   std::string(request.header("x-word")) + " " + request.body;
      co_await to->send(std::move(reply));
    } else if (request.path == "/stream") {
      HttpReply head;
      head.type = "text/event-stream";
      head.body = "one;";
      co_await to->begin(std::move(head));
      co_await to->write("two;");
      co_await to->write("three;");
    } else if (request.path == "/wait") {
      auto timer = std::make_shared<net::steady_timer>(*to->io(), std::chrono::seconds(20));
      auto left = std::make_shared<bool>(false);
      to->when_gone([self, timer, left] {
        *left = true;
        ++self->gone_;
        timer->cancel();
      });
      if (request.query == "stream") {
        HttpReply head;
        head.body = "begun;";
        co_await to->begin(std::move(head));
      }
      error_code ec;
      // Cancelling a timer that nobody waits for yet would be forgotten.
      if (!*left) co_await timer->async_wait(net::redirect_error(net::use_awaitable, ec));
    } else if (request.path == "/flood") {
      HttpReply head;
      co_await to->begin(std::move(head));
      bool alive = true;
      for (int i = 0; i < 1000 && alive; ++i) alive = co_await to->write(std::string(100000, 'x'));
      if (!alive) ++self->gone_;
    }
  }

  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  std::atomic<int> gone_{0};

  bool comes_true(const std::function<bool()>& what) {
    for (int i = 0; i < 1000; ++i) {
      if (what()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
};

TEST_F(Fixture, AnswersSeveralRequestsOfOneConnection) {
  start();
  RawClient c = client();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(
        c.send("POST /echo?a=b HTTP/1.1\r\nHost: x\r\nX-Word: hi\r\nContent-Length: 3\r\n\r\nabc"));
    const std::string reply = c.read_until("abc");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
    EXPECT_TRUE(reply.ends_with("POST a=b hi abc")) << reply;
  }
}

TEST_F(Fixture, AnswersRequestsThatWereSentAhead) {
  start();
  RawClient c = client();
  c.send("GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string both = c.read_until("GET 2");
  EXPECT_NE(both.find("GET 1"), std::string::npos);
  EXPECT_NE(both.find("GET 2"), std::string::npos);
}

TEST_F(Fixture, StreamsInChunksAndGoesOn) {
  start();
  RawClient c = client();
  c.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string reply = c.read_until("0\r\n\r\n");
  EXPECT_NE(reply.find("Transfer-Encoding: chunked"), std::string::npos) << reply;
  EXPECT_NE(reply.find("4\r\none;\r\n4\r\ntwo;\r\n6\r\nthree;\r\n0\r\n\r\n"), std::string::npos)
      << reply;
  c.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(c.read_until("GET").find("200 OK"), std::string::npos);
}

TEST_F(Fixture, StreamsToAnOldClientUntilTheConnectionEnds) {
  start();
  RawClient c = client();
  c.send("GET /stream HTTP/1.0\r\n\r\n");
  const std::string reply = c.read_all();
  EXPECT_TRUE(reply.ends_with("\r\n\r\none;two;three;")) << reply;
}

TEST_F(Fixture, TellsAHandlerAtOnceThatItsClientHasGone) {
  start();
  for (const char* query : {"", "?stream"}) {
    const int before = gone_;
    RawClient c = client();
    c.send("GET /wait" + std::string(query) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    if (*query != 0) {
      c.read_until("begun;");
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    c.close();
    EXPECT_TRUE(comes_true([&] { return gone_ == before + 1; })) << query;
  }
}

TEST_F(Fixture, WhoSentMoreAheadIsMissedToo) {
  start();
  RawClient c = client();
  c.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\nGET /echo HTTP/1.1\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  c.close();
  EXPECT_TRUE(comes_true([&] { return gone_ == 1; }));
}

TEST_F(Fixture, AStrangerIsTurnedAwayBeforeTheBody) {
  HttpOptions options;
  options.at_the_door = [](const HttpRequest& head) -> std::optional<HttpReply> {
    if (head.header("x-word") == "sesame") return std::nullopt;
    return HttpReply{.status = 401, .body = "no"};
  };
  start(std::move(options));
  RawClient stranger = client();
  stranger.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_TRUE(stranger.read_all().starts_with("HTTP/1.1 401 "));
  RawClient known = client();
  known.send("POST /echo HTTP/1.1\r\nHost: x\r\nX-Word: sesame\r\nContent-Length: 1\r\n\r\na");
  EXPECT_TRUE(known.read_until("sesame a").ends_with("sesame a"));
}

TEST_F(Fixture, AReaderThatStopsReadingIsLeft) {
  start({.write_time = std::chrono::milliseconds(300)});
  RawClient c = client();
  c.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(comes_true([&] { return gone_ == 1; }));
}

TEST_F(Fixture, ARequestThatNobodyAnsweredIsAnError) {
  start();
  RawClient c = client();
  c.send("GET /forget HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(c.read_until("answered").starts_with("HTTP/1.1 500 "));
}

TEST_F(Fixture, RefusesWhatIsNotARequest) {
  start({.max_head_bytes = 1000, .max_body_bytes = 1000});
  struct Case {
    std::string bytes, status;
  };
  const Case cases[] = {
      {"nonsense\r\n\r\n", "400"},
      {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
      {"GET / HTTP/3.1\r\nHost: x\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nab", "400"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "413"},
      {"GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(2000, 'a') + "\r\n\r\n", "431"},
  };
  for (const Case& one : cases) {
    RawClient c = client();
    ASSERT_TRUE(c.connected());
    c.send(one.bytes);
    const std::string reply = c.read_all();
    EXPECT_FALSE(c.timed_out()) << one.bytes.substr(0, 80);
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 " + one.status)) << one.bytes.substr(0, 80) << "\n"
                                                             << reply;
  }
}

TEST_F(Fixture, AChunkedBodyIsTakenAndBounded) {
  start({.max_body_bytes = 10});
  {
    RawClient c = client();
    c.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    EXPECT_TRUE(c.read_until("abc").ends_with("abc"));
  }
  RawClient c = client();
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" +
         std::string(255, 'a') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(c.read_all().starts_with("HTTP/1.1 413"));
}

TEST_F(Fixture, AsksForTheBodyWhenTheClientWaitsToBeAsked) {
  start();
  RawClient c = client();
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_TRUE(c.read_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  c.send("abc");
  EXPECT_TRUE(c.read_until("abc").ends_with("abc"));
}

TEST_F(Fixture, SlowHeadsAndBodiesAndIdleClientsAreLeft) {
  start({.head_time = std::chrono::milliseconds(200),
         .body_time = std::chrono::milliseconds(200),
         .idle_time = std::chrono::milliseconds(200)});
  for (const char* begun :
       {"", "GET / HT", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na"}) {
    RawClient c = client();
    c.send(begun);
    c.read_all();
    EXPECT_FALSE(c.timed_out()) << begun;
  }
}

TEST_F(Fixture, TooManyConnectionsAreToldToComeBack) {
  start({.max_connections = 2});
  RawClient a = client(), b = client();
  for (RawClient* c : {&a, &b}) {
    c->send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    c->read_until("GET");
  }
  RawClient third = client();
  const std::string reply = third.read_all();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 503")) << reply;
  EXPECT_NE(reply.find("Retry-After: 1"), std::string::npos);
  third.close();
  a.close();
  EXPECT_TRUE(comes_true([&] {
    RawClient again = client();
    again.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    return again.read_until("GET").starts_with("HTTP/1.1 200");
  }));
}

TEST_F(Fixture, StoppingEndsWhatIsRunning) {
  start();
  RawClient c = client();
  c.send("GET /wait?stream HTTP/1.1\r\nHost: x\r\n\r\n");
  c.read_until("begun;");
  server_->stop();
  thread_.join();
  EXPECT_EQ(gone_, 1);
  c.read_all();
  EXPECT_FALSE(c.timed_out());
  server_.reset();
}

TEST(HttpServer, SaysWhyItCannotListen) {
  const auto handler = [](HttpRequest, std::shared_ptr<Responder>) -> net::awaitable<void> {
    co_return;
  };
  auto first = HttpServer::listen({}, handler);
  ASSERT_TRUE(first);
  auto taken = HttpServer::listen({.port = (*first)->port()}, handler);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, base::Errc::usage);
  EXPECT_NE(taken.error().message.find("--port"), std::string::npos);
  auto name = HttpServer::listen({.host = "somewhere"}, handler);
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, base::Errc::usage);
  auto tls =
      HttpServer::listen({.certificate = "/nowhere.pem", .private_key = "/nowhere.key"}, handler);
  ASSERT_FALSE(tls);
  EXPECT_NE(tls.error().message.find("/nowhere.pem"), std::string::npos);
}

}  // namespace
}  // namespace server
