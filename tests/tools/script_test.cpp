// The worker from outside: one request in, events out. What needs DuckDB's library skips without
// it.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>
#include "base/json.h"

#include "base/unique_fd.h"
#include "tests/tools/call_worker.h"
#include "tests/tools/workspace.h"

namespace {

using nlohmann::json;

class Script : public testing::Test {
 protected:
  TemporaryWorkspace workspace;

  // Text that a script prints, its error last.
  std::string run(const std::string& script, json more = json::object()) {
    more["script"] = script;
    reply = call_worker("lua", more.dump());
    EXPECT_TRUE(WIFEXITED(reply.status) && WEXITSTATUS(reply.status) == 0) << script;
    EXPECT_TRUE(reply.last == "done" || reply.last == "error") << script;
    return reply.observation;
  }
  Reply reply;
};

TEST_F(Script, PrintsNumbersAsEverywhere) {
  EXPECT_EQ(run("print(1/3, 5.0, 3700.6622, nil, true, 'x', 1e15, 0/0)"),
            "0.3333 5 3700.66 missing true x 1000000000000000 missing");
  EXPECT_EQ(run("print({1, 2.5, 'a'})  print({b=1, a='x'})  print(tostring(2.0), "
                "table.concat({1.0, 2.5}, ';'))"),
            "1, 2.5, a\na: x, b: 1\n2 1;2.5");
  EXPECT_EQ(reply.last, "done");
}

TEST_F(Script, OutputIsCutAtFourThousandCharacters) {
  const std::string text = run("for i = 1, 5000 do print('ä' .. i) end");
  size_t characters = 0;
  for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  EXPECT_EQ(characters, 4000u);
  EXPECT_EQ(reply.last, "done");
}

TEST_F(Script, HasNoWayOut) {
  EXPECT_EQ(run("print(io, os, require, package, debug, dofile, loadfile, string.dump)"),
            "missing missing missing missing missing missing missing missing");
  EXPECT_EQ(run("print(load('\\27Lua'))"), "missing attempt to load a binary chunk (mode is 't')");
  EXPECT_EQ(run("read_text('/etc/passwd')"),
            "error: line 1: read_text: \"/etc/passwd\" is outside the workspace");
  EXPECT_EQ(run("read_text('../x')"),
            "error: line 1: read_text: \"../x\" is outside the workspace");
  EXPECT_EQ(run("setmetatable({}, {__gc = print})"), "error: line 1: __gc is not available");
  std::filesystem::create_symlink("/etc/passwd", workspace.path() / "link.txt");
  EXPECT_EQ(run("print(read_text('link.txt'))"),
            "error: line 1: read_text: \"link.txt\" is outside the workspace");
}

TEST_F(Script, ErrorsAreOneLineWithItsNumber) {
  EXPECT_EQ(run("print(1)\nfoo()"), "1\nerror: line 2: attempt to call a nil value (global 'foo')");
  EXPECT_EQ(run("x = ("), "error: line 1: unexpected symbol near <eof>");
  EXPECT_EQ(run("error('a\\nb')"), "error: line 1: a b");
  EXPECT_EQ(run("error({})"), "error: the script raised a table as an error");
  EXPECT_EQ(run("chart.arcs()"),
            "error: line 1: no chart.arcs; charts: bar, line, scatter, pie, box, hist, area, "
            "heatmap, histogram, boxplot, spec");
}

TEST_F(Script, IsTheSameInEveryRun) {
  const std::string script =
      "print(math.random(1e6), math.random(1e6)) for k in pairs({z=1, a=2, m=3}) do print(k) end";
  const std::string first = run(script);
  EXPECT_EQ(run(script), first);
  EXPECT_TRUE(first.ends_with("a\nm\nz"));
  EXPECT_NE(run(script, {{"seed", 2}}), first);
}

struct Runaway {
  const char* name;
  const char* script;
};

class RunawayScript : public testing::TestWithParam<Runaway> {};

// None may be caught by the script, and each ends with an event.
TEST_P(RunawayScript, IsStoppedWithAnEvent) {
  TemporaryWorkspace workspace;
  const auto begin = std::chrono::steady_clock::now();
  const json request = {
      {"script", GetParam().script}, {"instructions", 3'000'000}, {"lua_bytes", 8'000'000}};
  const Reply reply = call_worker("lua", request.dump());
  EXPECT_TRUE(WIFEXITED(reply.status) && WEXITSTATUS(reply.status) == 0);
  EXPECT_EQ(reply.last, "error") << reply.observation;
  EXPECT_TRUE(reply.observation == "error: the script ran too long: more than 3000000 steps" ||
              reply.observation == "error: the script needs more memory than is allowed")
      << reply.observation;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

INSTANTIATE_TEST_SUITE_P(
    Every, RunawayScript,
    testing::Values(
        Runaway{"loop", "while true do end"},
        Runaway{"loop_in_pcall", "while true do pcall(function() while true do end end) end"},
        Runaway{"pcall_recursion", "local function f() pcall(f) end while true do f() end"},
        Runaway{"loop_in_xpcall_handler", "xpcall(error, function() while true do end end)"},
        Runaway{"coroutines",
                "while true do local c = coroutine.wrap(function() while true do "
                "coroutine.yield(1) end end) c() c() end"},
        Runaway{"loop_in_coroutine",
                "while true do coroutine.resume(coroutine.create(function() while true do end "
                "end)) end"},
        Runaway{
            "nested_coroutines",
            "local function f() coroutine.resume(coroutine.create(f)) end while true do f() end"},
        Runaway{"close_handler",
                "local x <close> = setmetatable({}, {__close = function() while true do end end}) "
                "error('x')"},
        Runaway{"loaded_text", "load('while true do end')()"},
        Runaway{"table",
                "local t = {} while true do t[#t + 1] = #t .. "
                "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' end"},
        Runaway{"table_in_pcall",
                "local t = {} while true do pcall(function() t[#t + 1] = string.rep('x', 99999) .. "
                "#t end) end"},
        Runaway{"rep", "string.rep('x', 1e9)"},
        Runaway{"rep_in_pcall", "while true do pcall(string.rep, 'x', 1e9) end"},
        Runaway{"rep_in_coroutine",
                "while true do coroutine.wrap(function() string.rep('x', 1e9) end)() end"},
        Runaway{"doubling", "local s = 'x' while true do s = s .. s end"},
        Runaway{"concat",
                "local t = {} for i = 1, 1000 do t[i] = string.rep('x', 1000) end while true do "
                "t[#t + 1] = table.concat(t) end"},
        Runaway{"sorted_pairs",
                "local t = {} for i = 1, 1e4 do t[i] = i end while true do for k in pairs(t) do "
                "break end end"}),
    [](const testing::TestParamInfo<Runaway>& info) { return std::string(info.param.name); });

TEST_F(Script, WrongCallsEndWithStatusTwo) {
  for (const auto& [mode, request] :
       std::initializer_list<std::pair<const char*, const char*>>{{"other", "{}"},
                                                                  {"lua", "{}"},
                                                                  {"lua", "not json"},
                                                                  {"lua", ""},
                                                                  {"lua", "[]"},
                                                                  {"profile", "{}"},
                                                                  {"lua", R"({"script":5})"}}) {
    const Reply wrong = call_worker(mode, request);
    EXPECT_TRUE(WIFEXITED(wrong.status) && WEXITSTATUS(wrong.status) == 2)
        << mode << " " << request;
    EXPECT_TRUE(wrong.events.empty());
  }
}

TEST_F(Script, ProfilesEveryPath) {
  workspace.write("a.csv", "x\n1\n2\n");
  const Reply profiles = call_worker("profile", R"({"paths":["a.csv","none.csv"]})");
  ASSERT_EQ(profiles.events.size(), 3u);
  EXPECT_EQ(profiles.events[0]["text"], "a.csv: 2 rows\nx: number 1 to 2");
  EXPECT_EQ(profiles.events[1]["error"], "none.csv: no such file");
  EXPECT_EQ(profiles.last, "done");
}

class ScriptWithData : public Script {
 protected:
  void SetUp() override {
    workspace.write("birds.csv",
                    "species,mass,day\nwren,10,2014-01-15\nowl,300,2014-03-01\nwren,12,2014-03-"
                    "31\nowl,,2015-01-01\n");
    ASSERT_EQ(run("print(data.read('birds.csv'):count())"), "4");
  }
};

TEST_F(ScriptWithData, GroupsAndDraws) {
  EXPECT_EQ(run("t = data.read('birds.csv'):group('species'):mean('mass')\n"
                "chart.bar(t, {x='species', y='mass', title='Mass'})\nprint(t)"),
            "chart.png: bar chart, 2 rows\nhighest mass: owl 300\nlowest mass: wren "
            "11\nspecies,mass\nwren,11\nowl,300");
  const json& event = reply.events.at(0);
  EXPECT_EQ(event["type"], "chart");
  EXPECT_EQ(event["path"], "chart.png");
  EXPECT_EQ(event["rows"], 2);
  EXPECT_EQ(event["spec"]["mark"], "bar");
  EXPECT_EQ(event["spec"]["data"]["values"],
            json::parse(R"([{"species":"wren","mass":11},{"species":"owl","mass":300}])"));
  EXPECT_GT(event["width"].get<int>(), 100);
  EXPECT_EQ(workspace.read("chart.png").substr(1, 3), "PNG");
}

TEST_F(ScriptWithData, ChartsNeverOverwrite) {
  EXPECT_EQ(run("b = data.read('birds.csv') chart.hist(b, {x='mass'}) chart.hist(b, {x='mass'}) "
                "chart.hist(b, {x='mass', save='h.png'})"),
            "chart.png: histogram, 3 values, 10 to 300, 1 row without a value left out\n"
            "chart-2.png: histogram, 3 values, 10 to 300, 1 row without a value left out\n"
            "h.png: histogram, 3 values, 10 to 300, 1 row without a value left out");
  EXPECT_EQ(run("chart.hist(data.read('birds.csv'), {x='mass', save='h.png'})"),
            "error: line 1: chart.hist: \"h.png\" exists already");
}

TEST_F(ScriptWithData, EveryChartSaysWhatItShows) {
  EXPECT_EQ(
      run("b = data.read('birds.csv')\n"
          "chart.line(b, {x='day', y='mass', color='species'})\n"
          "chart.pie(b:group('species'):count(), {x='species', y='count'})\n"
          "chart.scatter(b, {x='day', y='mass'})\n"
          "chart.box(b, {x='species', y='mass'})\n"
          "chart.bar(b:head(1), {x='species', y='mass'})\n"
          "chart.bar(b:head(2):derive('total', '[mass] * 2'), {x='species', y={'mass', 'total'}})"),
      "chart.png: line chart, 3 rows, 1 row without a value left out\n"
      "highest mass: 2014-03-01 owl 300\nlowest mass: 2014-01-15 wren 10\n"
      "chart-2.png: pie chart, 2 slices\nhighest count: wren 2\nlowest count: wren 2\n"
      "chart-3.png: scatter chart, 3 points, 1 row without a value left out\n"
      "chart-4.png: box plot, 2 boxes, 1 row without a value left out\n"
      "highest median mass: owl 300\nlowest median mass: wren 11\n"
      "chart-5.png: bar chart, 1 row\nmass: wren 10\n"
      "chart-6.png: bar chart, 4 rows\nhighest value: owl total 600\nlowest value: wren mass 10");
}

TEST_F(ScriptWithData, ErrorsNameWhatThereIs) {
  const std::pair<const char*, const char*> cases[] = {
      {"data.read('bird.csv')", "data.read: no file \"bird.csv\"; files: birds.csv"},
      {"data.read('birds.csv'):where('wing', '==', 1)",
       "where: no column \"wing\"; columns: species, mass, day"},
      {"data.read('birds.csv'):where('mass', '=', 1)",
       "where: unknown operator \"=\"; operators: ==, ~=, <, <=, >, >=, contains"},
      {"data.read('birds.csv'):where('mass', '>', 'x')",
       "where: column \"mass\" is number, not \"x\""},
      {"data.read('birds.csv'):mean('species')",
       "mean: column \"species\" is text; number columns: mass"},
      {"data.read('birds.csv'):year('species')",
       "year: column \"species\" is text; date columns: day"},
      {"data.read('birds.csv'):group('species'):total('mass')",
       "a grouped table has no method \"total\"; methods: count, sum, mean, median, min, max"},
      {"print(data.read('birds.csv'):group('species'))",
       "print: the table is grouped; first call count, sum, mean, median, min or max"},
      {"t = data.read('birds.csv') t.where('mass', '>', 1)",
       "where: call it on a table with a colon, as in t:where(…)"},
      {"chart.bar('birds.csv', {x='a'})", "chart.bar: the first argument is not a table"},
      {"chart.bar(data.read('birds.csv'), {x='species'})", "chart.bar: needs y="},
      {"chart.bar(data.read('birds.csv'), {x='species', y='wing'})",
       "chart.bar: no column \"wing\"; columns: species, mass, day"},
      {"chart.bar(data.read('birds.csv'), {x='species', z='mass'})",
       "chart.bar: no option \"z\"; options: x, y, color, stack, title, save, bins"},
      {"chart.bar(data.read('birds.csv'), {x='species', y='mass', stack='zero'})",
       "chart.bar: needs color="},
      {"chart.bar(data.read('birds.csv'), {x='day', y='mass', color='species', stack='center'})",
       "chart.bar: stack is \"center\"; it can be zero, normalize"},
      {"chart.line(data.read('birds.csv'), {x='day', y='mass', color='species', stack='zero'})",
       "chart.line: only bars and areas have stack="},
      {"chart.bar(data.read('birds.csv'):derive('loss', '0 - [mass]'), {x='day', y='loss', "
       "color='species', stack='normalize'})",
       "chart.bar: parts of 100 % cannot show a negative value; use stack=\"zero\""},
      {"chart.bar(data.read('birds.csv'):where('mass', '>', 999), {x='species', y='mass'})",
       "chart.bar: no rows to draw"},
      {"chart.bar(data.read('birds.csv'), {x='species', y='mass'})",
       "chart.bar: 2 rows for \"wren\"; group the rows first, or name a color"},
      {"chart.bar(data.read('birds.csv'):head(1), {x='species', y='mass', save='a.jpg'})",
       "chart.bar: \"a.jpg\" must end in .png"},
      {"t = {mark = 'bar'} t.self = t chart.spec(t)",
       "chart.spec: the specification is nested more than 60 deep"},
      {"chart.spec({mark = print})", "chart.spec: the specification holds a function"},
      {"chart.spec({mark = 'bar', height = 0/0})",
       "chart.spec: a number of the specification is not finite"},
      {"chart.spec({mark = 'bar'}, {})",
       "chart.spec: the second argument is not a table of data.read or data.query"},
      {"chart.spec(3)",
       "chart.spec: the first argument is a Vega-Lite specification, as a Lua table or as JSON "
       "text"},
      {"chart.spec({mark = 'bar', data = {url = '../x.csv'}, encoding = {x = {field = 'a'}}})",
       "chart.spec: \"../x.csv\" is outside the workspace"},
      {"chart.heatmap(data.read('birds.csv'), {x='species', y='day'})",
       "chart.heatmap: needs color="},
      {"chart.heatmap(data.read('birds.csv'):head(1), {x='species', y='day', color='species'})",
       "chart.heatmap: column \"species\" is text; number columns: mass"},
      {"data.read('birds.csv'):save('../x.csv')", "save: \"../x.csv\" is outside the workspace"},
  };
  for (const auto& [script, message] : cases)
    EXPECT_EQ(run(script), std::string("error: line 1: ") + message);
}

TEST_F(ScriptWithData, FilesLinesFramesAndTexts) {
  workspace.write("notes/a.txt", "one two\nthree\n");
  EXPECT_EQ(
      run("print(data.files('*.txt'))"),
      "file: notes/a.txt, name: a.txt, ext: txt, bytes: 14, lines: 2, words: 3, hash: 41d502e5");
  EXPECT_EQ(run("print(data.lines('notes/a.txt'):where('text', 'contains', 'two'))"),
            "line: 1, text: one two");
  EXPECT_EQ(run("print(#read_text('notes/a.txt'))"), "14");
  EXPECT_EQ(run("print(data.frame({{word='a', n=2}, {word='b'}}))"), "word,n\na,2\nb,");
  EXPECT_EQ(
      run("n = 0 for row in data.read('birds.csv'):rows() do n = n + (row.mass or 0) end print(n)"),
      "322");
  EXPECT_EQ(run("data.read('birds.csv'):head(2):save('two.csv')"), "two.csv: 2 rows");
  EXPECT_EQ(reply.events.at(0), json::parse(R"({"type":"file","path":"two.csv","rows":2})"));
  EXPECT_EQ(run("data.lines('two.csv'):where('text', 'contains', ','):save('two.txt')\n"
                "print(read_text('two.txt') == read_text('two.csv'))"),
            "two.txt: 3 rows\ntrue");
  EXPECT_EQ(run("print(data.read('birds.csv'):group('mass'):count():count())"),
            "note: 1 row without mass left out\n3");
  EXPECT_EQ(reply.events.at(1),
            json::parse(R"({"type":"note","text":"1 row without mass left out"})"));
  workspace.write("jan.csv", "person,hours\nAda,1\nAda,2\nBo,3\n");
  workspace.write("feb.csv", "person,hours\nAda,4\nAda,5\n");
  const std::string note =
      "note: join: \"person\" repeats in both tables: 3 and 2 rows became 4; tables of the same "
      "columns are put together by data.union\n4";
  EXPECT_EQ(run("print(data.read('jan.csv'):join(data.read('feb.csv'), 'person'):count())"), note);
  EXPECT_EQ(
      run("print(data.read('jan.csv'):join(data.read('feb.csv'), {'person'}, 'inner'):count())"),
      note);
  EXPECT_EQ(run("print(data.read('jan.csv'):join(data.read('feb.csv'), 'person', 'semi'):count())"),
            "2");
}

TEST_F(ScriptWithData, HostileFilesAreSentences) {
  workspace.write("empty.csv", "");
  workspace.write("ragged.csv", "a,b\n1,2\n3\n");
  workspace.write("zero.csv", std::string_view("a\0\n", 3));
  workspace.write("header.csv", "a,b\n");
  EXPECT_EQ(run("data.read('empty.csv')"), "error: line 1: empty.csv: the file is empty");
  EXPECT_EQ(run("data.read('ragged.csv')"),
            "error: line 1: ragged.csv: line 3 has 1 field, expected 2");
  EXPECT_EQ(run("data.read('zero.csv')"),
            "error: line 1: zero.csv: line 1 holds a zero byte; this is not a text table");
  EXPECT_EQ(run("t = data.read('header.csv') print(t, t:sum('a'), t:mean('a'), #t) "
                "print(t:group('a'):count())"),
            "a,b 0 missing 0\na,count");
}

}  // namespace
