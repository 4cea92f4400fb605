// Loops and honest repetitions, each as a line of calls (as whole conversations:
// recorded_loops_test.cpp): a letter is a call, the digit its result,
// "!" says that it failed, "*" that a file tool wrote, "+" that a program changed files. "|" stands
// behind the call at which the guard has to stop; without it, it never may.

#include "agent/loop_guard.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/json.h"

namespace agent {
namespace {

/// Number of the call at which the guard stops, 0 for never; `due`: the call it should stop at.
int stops_at(const std::string& line, int& due) {
  LoopGuard guard;
  std::istringstream words(line);
  int n = 0, stopped = 0;
  due = 0;
  for (std::string word; words >> word;) {
    if (word == "|") {
      due = n;
      continue;
    }
    if (word == "~") {
      guard.forget();
      continue;
    }
    ++n;
    const bool error = word.find('!') != word.npos;
    const Change change = word.find('*') != word.npos   ? Change::written
                          : word.find('+') != word.npos ? Change::program
                                                        : Change::none;
    // The result of "a7!" is an error at a line of its own.
    const std::string result =
        error ? "error: [script]:" + std::to_string(n) + ": no column " + word.substr(1, 1)
              : "result " + word.substr(1, 1);
    const std::string same = std::isupper(static_cast<unsigned char>(word[0])) && error
                                 ? "error: no column " + word.substr(1, 1)
                                 : result;
    model::FunctionCall call{.name = "run_lua", .arguments = {{"code", word.substr(0, 1)}}};
    guard.next_reply();
    if (guard.saw(call, same, error, change).stop && stopped == 0) stopped = n;
  }
  return stopped;
}

TEST(LoopGuard, LoopsAreStopped) {
  for (const char* line : {
           "A1 A1 A1 |",                             // one call
           "A1! A1! A1! |",                          // that fails
           "B1 A1 A1 A1 |",                          // after some work
           "A1 B1 A1 B1 A1 |",                       // two calls
           "A1 B1 C1 A1 B1 C1 A1 |",                 // three
           "A1 B1! A1 B1! A1 |",                     // one of which fails
           "A1! B1! A1! B1! A1! |",                  // both
           "a1! b1! c1! d1! |",                      // other scripts, one error
           "x1 a1! b1! c1! d1! |",                   // after one that worked
           "a1! b2! c1! d2! e1! f2! g1! |",          // two errors
           "a1! b1! A1 c1! A1 d1! A1 e1! A1 f1! |",  // a look between that shows nothing new
           "A1 ~ A1 A1 A1 |",                        // after turns were left out
           "A1* A1* A1* |",                          // the same text written again
           "A1* B1* A1* B1* A1* B1* |",              // two texts in turn
           "A1* B1 A1* B1 A1* |",                    // written and read
           "A1* B1* C1 A1* B1* C1 A1* B1* C1 |",     // written, changed back, read
           "A1 B1 C1 D1 A1 B1 C1 D1 A1 |",           // four calls
           "A1 B1 A1 C1 B1 A1 B1 |",                 // in any order
           "A1! x1 A1! A1! |",                       // the failing call again after one that worked
           "A1+ B1 B1 B1 |",                         // after a change
           "A1 A2 A2 A2 |",                          // a result that stopped changing
       }) {
    int due = 0;
    const int stopped = stops_at(line, due);
    ASSERT_GT(due, 0) << line;
    EXPECT_GT(stopped, 0) << line;
    EXPECT_LE(stopped, due) << line;
  }
}

TEST(LoopGuard, HonestRepetitionsAreNot) {
  for (const char* line : {
           "A1 B1* A2 C1* A3 D1* A4",              // read after each write
           "A1 B1* A1 C1* A1 D1* A1 E1* A1",       // though it stays the same
           "A1 B1+ A1 B2+ A1 B3+ A1",              // a program between
           "A1+ B1 A1+ B1 A1+ B1 A1+ B1",          // a step of a simulation, then its state
           "A1+ A1+ A1+ A1+ A1+",                  // the same program on and on
           "A1 A2 A3 A4 A5",                       // polling that shows something new
           "A1 A1 A2 A2 A3 A3",                    // slowly
           "A1 B1 C1 D1 E1 F1 G1 H1",              // paging
           "A1 B1 A1 C1 A1 D1 A1 E1 A1",           // a list looked at between files
           "A1 B1 C1 A1 D1 E1 A1 F1 G1 A1",        // now and then
           "A1 B1* C1 A1 B2* C2 A1 B3* C3",        // edit and query
           "A1! B1* A1! C1* A1! D1* A1",           // a test that fails until it is mended
           "A1! B1+ A1! C1+ A1! D1+ A1",           // by a program
           "a1! b2! c3! d4! e5! f6!",              // other errors each time
           "a1! b1 c1! d1 e1! f1 g1! h1",          // an error now and then
           "a1! a1! b1 c1! d1",                    // twice in one way
           "A1 A1 B1 B1 C1 C1 D1 D1",              // each looked at twice
           "A1 B1 A1 B1 C1 D1 C1 D1",              // pairs twice
           "A1 B1 ~ A1 B1 ~ A1 B1 ~ A1 B1",        // read again what was left out
           "A1 A1 ~ A1 A1",                        //
           "A1* B1 A2* B2 A1* B1 A2* B2",          // there and back
           "A1* B1* C1* A1* B1* C1* D1",           // two rounds of writes
           "A1* A2* A3* A4*",                      // longer and longer
           "A1 B1* B1* A2",                        // written twice
           "A1! A1! B1 C1",                        // two tries
           "a1! b1! c1! d1",                       // three tries
           "a1! b1! c1 d1! e1! f1",                // and again
           "A1 B1! C1 A1 D1! E1 A1",               //
           "A1 B1+ C1 A1 B1+ C1 A1 B1+ C1",        // build, test, read, each changing files
           "A1+ B1! A1+ B1! A1+ B1! A1+ B1",       // run until it works
           "A1 B1 C1* A1 B1 D1* A1 B1 E1* A1 B1",  // two looks after each write
           "A1 A1 B1* A1 A1 C1* A1 A1",            //
           "A1 B1 B1 C1 C1 D1 D1 A1",              //
           "A1 B1 C1 D1 A1 B1 C1 D1 E1",           // a second pass over four files
           "A1 B1 C1 D1 E1 A1 B1 C1 D1 E1 F1*",    // over five
           "A1 B1 A2 B1 A3 B1 A4 B1",              // one of two changes
           "A1 B1 C1 A2 B1 C1 A3 B1 C1",           // one of three
           "A1* B1! A1* C1* B1! D1* B1",           // restored, then mended
           "A1! x1 A1! y1 B1",                     // twice with work between
           "A1 x1+ A1 y1* A1 z1+ A1 w1* A1",       // one question after every change
       }) {
    int due = 0;
    EXPECT_EQ(stops_at(line, due), 0) << line;
  }
}

TEST(LoopGuard, OneReplyMayRepeatACallButNotWithoutEnd) {
  LoopGuard guard;
  const model::FunctionCall call{.name = "read_file", .arguments = {{"path", "a"}}};
  for (int i = 0; i < 12; ++i) EXPECT_FALSE(guard.saw(call, "1", false, Change::none).stop) << i;
  EXPECT_TRUE(guard.saw(call, "1", false, Change::none).stop);
}

TEST(LoopGuard, TheModelIsToldBeforeItIsStopped) {
  LoopGuard guard;
  const auto call = [](const char* code) {
    return model::FunctionCall{.name = "run_lua", .arguments = {{"code", code}}};
  };
  EXPECT_EQ(guard.saw(call("a"), "1", false, Change::none).say, "");
  EXPECT_EQ(guard.saw(call("a"), "1", false, Change::none).say, "") << "in the same reply";
  guard.next_reply();
  EXPECT_NE(guard.saw(call("a"), "1", false, Change::none).say.find("same result before"),
            std::string::npos);
  EXPECT_EQ(guard.saw(call("b"), "error: x.lua:3: bad", true, Change::none).say, "");
  EXPECT_NE(guard.saw(call("c"), "error: x.lua:7: bad", true, Change::none)
                .say.find("different approach"),
            std::string::npos);
}

}  // namespace
}  // namespace agent
