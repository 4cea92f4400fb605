#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>
#include "base/json.h"

#include "base/unique_fd.h"

/// What the worker answered to one request.
struct Reply {
  int status = -1;  // of waitpid
  std::vector<nlohmann::json> events{};
  std::string observation{};  // what the agent shows the model
  std::string last{};         // type of the last event
};

/// Runs the worker in the current directory.
inline Reply call_worker(const std::string& mode, const std::string& request) {
  Reply reply;
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return reply;
  // A worker that refuses the call does not read all of the request.
  ::signal(SIGPIPE, SIG_IGN);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    // The read end may be descriptor 3 itself: move it out of the way first.
    const int input = ::fcntl(in[0], F_DUPFD, 10);
    const int events = ::fcntl(out[1], F_DUPFD, 10);
    ::dup2(input, 0);
    ::dup2(events, 3);
    ::close(input);
    ::close(events);
    ::execl(TESSERA_WORKER, "tessera-worker", mode.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  base::UniqueFd read_end(out[0]);
  ::close(in[0]);
  ::close(out[1]);
  std::thread writer([&] {
    for (size_t at = 0; at < request.size();) {
      const ssize_t n = ::write(in[1], request.data() + at, request.size() - at);
      if (n <= 0) break;
      at += static_cast<size_t>(n);
    }
    ::close(in[1]);
  });
  std::string text;
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(read_end.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  writer.join();
  ::waitpid(child, &reply.status, 0);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    nlohmann::json event = nlohmann::json::parse(text.substr(at, end - at), nullptr, false);
    EXPECT_TRUE(event.is_object()) << text.substr(at, 200);
    if (event.is_object()) {
      reply.last = event.value("type", "");
      const std::string line = reply.last == "print"   ? event.value("text", "")
                               : reply.last == "error" ? "error: " + event.value("message", "")
                                                       : std::string();
      if (reply.last == "print" || reply.last == "error")
        reply.observation += (reply.observation.empty() ? "" : "\n") + line;
      reply.events.push_back(std::move(event));
    }
    at = end + 1;
  }
  return reply;
}
