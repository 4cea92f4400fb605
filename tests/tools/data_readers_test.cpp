// Files beyond CSV and JSON, SQL over them, their notes, and the engine's lock. Contents are made
// here, or by our own writers; data_differential_test.cpp compares with other programs' files.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <optional>
#include "base/json.h"

#include "tests/tools/engine_test.h"
#include "tools/data/csv.h"
#include "tools/data/csv_pass.h"
#include "tools/data/data.h"
#include "tools/data/facts.h"
#include "tools/data/grid.h"
#include "tools/data/query.h"
#include "tools/data/xlsx.h"
#include "tools/data/zip.h"

namespace {

using namespace tools::data;

class Readers : public EngineTest {
 protected:
  base::Result<Table> open(const std::string& path, const std::string& part = {}) {
    return open_table(engine, path, part, "data.read");
  }
  static std::string text(const base::Result<Table>& table) {
    if (!table) return "error: " + table.error().message;
    base::Result<std::string> printed = table->printed();
    return printed ? *printed : "error: " + printed.error().message;
  }
  std::string query(const std::string& sql) { return text(query_sql(engine, sql, {}, "query")); }
  void database(const std::string& name, const char* sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((workspace.path() / name).c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
};

TEST_F(Readers, WhatIsSavedIsReadBack) {
  workspace.write(
      "a.csv",
      "name,n,day,ok\n\"x, y\",0.1,2024-01-02 03:04:05,true\n,,,\nz,-7,1999-12-31,false\n");
  const base::Result<Table> t = open("a.csv");
  ASSERT_TRUE(t);
  ASSERT_TRUE(t->save_parquet("o/a.parquet", "to_parquet"));
  ASSERT_TRUE(t->save_xlsx("a.xlsx", "to_xlsx"));
  EXPECT_EQ(text(open("o/a.parquet")), text(t));
  // A row without a value is none in a sheet.
  EXPECT_EQ(text(open("a.xlsx")), text(t->known("name")));
  EXPECT_EQ(t->save_parquet("o/a.parquet", "to_parquet").error().message,
            "to_parquet: \"o/a.parquet\" exists already");
  EXPECT_EQ(t->save_xlsx("../a.xlsx", "to_xlsx").error().message,
            "to_xlsx: \"../a.xlsx\" is outside the workspace");
}

TEST_F(Readers, NaNIsMissingInGroupsHoweverTheyAreSummed) {
  const std::string rows =
      "SELECT * FROM (VALUES ('a', 1.5::DOUBLE), ('a', 'nan'::DOUBLE), ('b', 2::DOUBLE), "
      "('c', 'nan'::DOUBLE)) t(k, v)";
  const base::Result<Table> t = query_sql(engine, rows, {}, "query");
  ASSERT_TRUE(t) << t.error().message;
  std::string note;
  const auto grouped = [&](const std::vector<Summary>& how) {
    base::Result<Table> groups = t->group_by({"k"}, how, note);
    base::Result<Rows> cells = groups ? groups->fetch(10) : base::Result<Rows>(groups.error());
    std::vector<std::vector<std::optional<double>>> numbers(4);
    for (size_t i = 1; cells && i < cells->columns.size(); ++i) {
      for (const Cell& cell : cells->columns[i]) {
        const double* number = std::get_if<double>(&cell);
        numbers[i].push_back(number ? std::optional(*number) : std::nullopt);
      }
    }
    return numbers;
  };
  using Numbers = std::vector<std::optional<double>>;
  const std::vector<Summary> sums = {{.name = "sum", .how = "sum", .column = "v"},
                                     {.name = "mean", .how = "mean", .column = "v"}};
  const auto quick = grouped(sums);
  // A count of values cannot be tried with NaN among them, so this one is made the other way.
  std::vector<Summary> more = sums;
  more.push_back({.name = "n", .how = "count", .column = "v"});
  const auto whole = grouped(more);
  EXPECT_EQ(quick[1], (Numbers{1.5, 2.0, 0.0}));
  EXPECT_EQ(quick[2], (Numbers{1.5, 2.0, {}}));
  for (const size_t column : {0u, 1u, 2u}) EXPECT_EQ(quick[column], whole[column]);
  EXPECT_EQ(whole[3], (Numbers{1.0, 1.0, 0.0}));
}

TEST_F(Readers, TheEuroSignOfWindows1252IsACurrency) {
  workspace.write("prices.csv",
                  "what,price,pounds\ncaf\xE9,\x80 12.50,\"\xA3"
                  "1,200\"\ntea,3 \x80,\xA3"
                  "7\n");
  const base::Result<Table> t = open("prices.csv");
  ASSERT_TRUE(t) << t.error().message;
  for (const size_t column : {1u, 2u}) EXPECT_EQ(t->columns()[column].type, Type::number);
  base::Result<Rows> rows = t->fetch(2);
  ASSERT_TRUE(rows);
  EXPECT_EQ(cell_text(rows->columns[0][0]), "café");
  EXPECT_EQ(cell_text(rows->columns[1][0]), "12.5");
  EXPECT_EQ(cell_text(rows->columns[1][1]), "3");
  EXPECT_EQ(cell_text(rows->columns[2][0]), "1200");
}

TEST_F(Readers, PartsAreNamedWhenThereAreSeveral) {
  database("shop.db",
           "CREATE TABLE a(x); INSERT INTO a VALUES (1), (2); CREATE TABLE b(y); CREATE VIEW v AS "
           "SELECT x * 10 AS ten FROM a");
  EXPECT_EQ(text(open("shop.db")),
            "error: shop.db: a database of 3 tables; name one, as in data.read(\"shop.db\", "
            "\"a\"); tables: a, b, v");
  EXPECT_EQ(text(open("shop.db", "a")), "x\n1\n2");
  EXPECT_EQ(text(open("shop.db#v")), "ten\n10\n20");
  EXPECT_EQ(text(open("shop.db", "c")), "error: shop.db: no table \"c\"; tables: a, b, v");
  EXPECT_EQ(query("SELECT sum(x) AS s FROM 'shop.db#a'"), "s: 3");
  workspace.write("a.csv", "x\n1\n");
  EXPECT_EQ(text(open("a.csv", "Sheet1")),
            "error: data.read: a.csv has no sheets or tables to choose from");
}

TEST_F(Readers, ADatabaseCanDoNothingButBeRead) {
  database("evil.db",
           "CREATE TABLE t(x); CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
           "SELECT i + 1 FROM n) SELECT count(*) FROM n");
  EXPECT_EQ(text(open("evil.db", "endless")), "error: evil.db: its view takes too long");
  // Integers that a double does not keep are codes.
  database("big.db", "CREATE TABLE t(id, n); INSERT INTO t VALUES (9007199254740993, 1), (5, 'x')");
  EXPECT_EQ(text(open("big.db")), "id,n\n9007199254740993,1\n5,x");
  EXPECT_FALSE(workspace.has("big.db-journal"));
}

TEST_F(Readers, ADatabaseWithChangesElsewhereIsRefused) {
  database("w.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(x); INSERT INTO t VALUES (1)");
  EXPECT_EQ(text(open("w.db")), "x: 1");
  workspace.write("w.db-wal", "something");
  EXPECT_EQ(text(open("w.db")),
            "error: w.db: a program has it open, and w.db-wal holds changes that are not in it "
            "yet; close the program");
}

TEST_F(Readers, PatternsAreUnions) {
  workspace.write("s/a.csv", "n\n1\n");
  workspace.write("s/b.csv", "n\n2\n");
  workspace.write("s/c.csv", "m\n2\n");
  EXPECT_EQ(text(open("s/?.csv")), "error: data.read: s/c.csv has no column \"n\"; columns: m");
  std::filesystem::remove("s/c.csv");
  EXPECT_EQ(text(open("s/*.csv")), "n,file\n1,a\n2,b");
  EXPECT_EQ(text(open("t/*.csv")),
            "error: data.read: no file \"t/*.csv\"; files: s/a.csv, s/b.csv");
}

TEST_F(Readers, TheEnginesLockHoldsForEveryReader) {
  const TemporaryWorkspace outside;  // is the current folder while it lives
  outside.write("x.csv", "a\n1\n");
  {
    const base::Result<Table> t = Table(*open("x.csv"));
    ASSERT_TRUE(t->save_xlsx("x.xlsx", "w"));
  }
  for (const char* name : {"x.csv", "x.xlsx", "x.parquet", "x.db", "x.json", "x.csv.gz"}) {
    const std::string path = (outside.path() / name).string();
    outside.write(name, "a\n1\n");
    std::filesystem::current_path(workspace.path());
    std::filesystem::create_symlink(path, workspace.path() / name);
    for (const std::string& tried :
         {path, "../" + outside.path().filename().string() + "/" + name, std::string(name)}) {
      const base::Result<Table> t = open(tried);
      ASSERT_FALSE(t) << tried;
      EXPECT_NE(t.error().message.find("is outside the workspace"), std::string::npos)
          << t.error().message;
    }
    std::filesystem::current_path(outside.path());
  }
  std::filesystem::current_path(workspace.path());
  const std::string there = "'" + (outside.path() / "x.csv").string() + "'";
  for (const std::string& sql : std::vector<std::string>{
           "SELECT * FROM read_csv(" + there + ")", "SELECT * FROM read_text(" + there + ")",
           "SELECT * FROM glob('/etc/*')", "COPY (SELECT 1) TO " + there,
           std::string("INSTALL excel"), std::string("LOAD sqlite_scanner"),
           "ATTACH " + there + " AS a", std::string("SET enable_external_access = true"),
           std::string("SET allowed_directories = ['/']"),
           std::string("SET lock_configuration = false")})
    EXPECT_FALSE(engine->execute(sql)) << sql;
  std::filesystem::current_path(outside.path());
}

TEST_F(Readers, SqlReadsFilesAndNothingElse) {
  workspace.write("s.csv", "region,amount\nnorth,1\nsouth,2\nnorth,4\n");
  workspace.write(".secret.csv", "a\n1\n");
  EXPECT_EQ(query("SELECT region, sum(amount) AS s FROM 's.csv' GROUP BY region ORDER BY s DESC; "),
            "region,s\nnorth,5\nsouth,2");
  EXPECT_EQ(query("WITH t AS (FROM 's.csv') SELECT count(*) AS n FROM t -- a comment"), "n: 3");
  EXPECT_EQ(query("SELECT 9007199254740993 AS big, [1, 2] AS list, NULL AS nothing"),
            "big: 9007199254740993, list: [1,2], nothing: missing");
  for (const char* sql : {"SELECT * FROM read_csv('s.csv')",
                          "SELECT * FROM read_text('s.csv')",
                          "SELECT * FROM glob('*')",
                          "SELECT * FROM query('SELECT 1')",
                          "SELECT * FROM duckdb_settings()",
                          "FROM parquet_metadata('s.csv')",
                          "COPY (SELECT 1) TO 'x.csv'",
                          "CREATE TABLE t(a INT)",
                          "INSERT INTO t VALUES (1)",
                          "ATTACH 'x.db'",
                          "INSTALL excel",
                          "LOAD excel",
                          "SET threads = 1",
                          "PRAGMA version",
                          "SELECT 1; SELECT 2",
                          "SHOW TABLES",
                          "",
                          "SELEC 1",
                          "SELECT * FROM '../x.csv'",
                          "SELECT * FROM '/etc/passwd'",
                          "SELECT * FROM information_schema.tables",
                          "WITH \"s.csv\" AS (SELECT 1) SELECT * FROM \"s.csv\"",
                          "SELECT (SELECT max(a) FROM read_csv('s.csv'))",
                          "SELECT * FROM (DESCRIBE (FROM read_csv('s.csv')))",
                          "EXPLAIN SELECT 1",
                          "SELECT * FROM m0"}) {
    const std::string answer = query(sql);
    EXPECT_TRUE(answer.starts_with("error: query: ")) << sql << "\n" << answer;
    EXPECT_EQ(answer.find('\n'), answer.npos) << answer;
  }
  EXPECT_EQ(
      query("SELECT regin FROM 's.csv'"),
      "error: query: Referenced column \"regin\" not found in FROM clause!; columns: \"region\"");
  EXPECT_FALSE(workspace.has("x.csv"));
}

TEST_F(Readers, NotesSayWhatReadingAssumed) {
  const auto notes = [&](const char* bytes) {
    workspace.write("n.csv", bytes);
    std::string all;
    const base::Result<Table> t = open("n.csv");
    if (!t) return t.error().message;
    for (const std::string& note : t->notes()) all += note + "\n";
    return all;
  };
  EXPECT_EQ(notes("a\n1\n2\nx9\n4\n"), "a is text: 1 of 4 values is no number (line 4 \"x9\")\n");
  EXPECT_EQ(notes("a\n1\n12345678901234567\n"),
            "a is text: line 3 has more digits than a number keeps (\"12345678901234567\")\n");
  EXPECT_EQ(notes("d\n03/04/2024\n11/12/2024\n"),
            "d was read as month/day/year; as day/month/year it would give other dates (line 2 "
            "\"03/04/2024\")\n");
  EXPECT_EQ(notes("d\n2024-01-02\n3 Jan 2024\n"),
            "d is text: its dates are written in more than one way (line 3 \"3 Jan 2024\")\n");
  EXPECT_EQ(notes("a;b\n1,234;x\n"),
            "a was read with decimals; \"1,234\" in line 2 could also be thousands\n");
  EXPECT_EQ(notes("a;b\n1,234;x\n1,5;y\n"), "");
  EXPECT_EQ(notes("a\n\"1\n2\"\n3\nx\n4\n5\n"),
            "a is text: 2 of 5 values are no numbers (line 2 \"1 2\", line 5 \"x\")\n");
  EXPECT_EQ(notes("name\nwren\n17\nowl\n"), "");
}

TEST_F(Readers, ExpressionsOfTextSayWhatTheyNeed) {
  workspace.write("a.csv", "name,n,day\nÄpfel x,2.5,2024-01-31\n,3,2024-03-01\n");
  const base::Result<Table> t = open("a.csv");
  const auto made = [&](const char* expression) {
    const base::Result<Table> derived = t->derive("v", expression);
    return derived ? text(derived->select({"v"})) : "error: " + derived.error().message;
  };
  EXPECT_EQ(made("concat(upper([name]), ' ', [n], ' ', [day])"), "v\nÄPFEL X 2.5 2024-01-31\n");
  EXPECT_EQ(made("length([name])"), "v\n7\n");
  EXPECT_EQ(made("split([name], ' ', 2)"), "v\nx\n");
  EXPECT_EQ(made("days([day], [day]) + round([n])"), "v\n3\n3");
  EXPECT_EQ(made("if([n] >= 3, 'much', 'little')"), "v\nlittle\nmuch");
  EXPECT_EQ(made("number('1e3') + number('nan')"), "v\n\n");
  EXPECT_EQ(
      made("left([name], 1e300)"),
      "error: derive: cannot read \"e300)\"; write columns in brackets, as in \"[a] / [b] * 100\"");
  EXPECT_EQ(made("left([name], 99999999999999999999)"), "v\nÄpfel x\n");
  EXPECT_EQ(made("upper([n])"), "error: derive: argument 1 of upper is number, not text");
  EXPECT_EQ(made("upper([name]) * 2"), "error: derive: * needs numbers on both sides");
  EXPECT_EQ(made("replace([name], 'a')"), "error: derive: replace takes 3 arguments, not 2");
  EXPECT_EQ(made("uper([name])").substr(0, 56),
            "error: derive: no function \"uper\"; functions: lower, upp");
  EXPECT_EQ(made("if([n] == [name], 1, 2)"), "error: derive: == compares number with text");
  EXPECT_EQ(made("lower('it''s')").substr(0, 20), "error: derive: canno");
}

TEST_F(Readers, SamplesAreTheSameForTheSameSeed) {
  std::string bytes = "n\n";
  for (int i = 0; i < 1000; ++i) bytes += std::to_string(i) + "\n";
  workspace.write("n.csv", bytes);
  const base::Result<Table> t = open("n.csv");
  EXPECT_EQ(text(t->sample(20, 1)), text(t->sample(20, 1)));
  EXPECT_NE(text(t->sample(20, 1)), text(t->sample(20, 2)));
  EXPECT_EQ(*t->sample(20, 1)->unique("n")->count(), 20u);
  EXPECT_EQ(*t->sample(5000, 1)->count(), 1000u);
}

TEST_F(Readers, FactsNameWhatLooksWrong) {
  std::string bytes = "id,weight_kg,shop,note\n";
  for (int i = 1; i <= 40; ++i)
    bytes += std::to_string(i == 30 ? 7 : i) + "," + (i == 20 ? "9000" : std::to_string(i % 9)) +
             ",s" + std::to_string(i % 3) + ",\n";
  bytes += "41,9150,Total,\n";
  workspace.write("f.csv", bytes);
  base::Result<Facts> facts = facts_of(engine, "f.csv", "profile");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->rows, 41u);
  EXPECT_EQ(facts->columns[1].unit, "kg");
  EXPECT_EQ(facts->columns[1].outliers, 2u);
  EXPECT_EQ(facts->columns[2].values[0], "s1");
  EXPECT_EQ(facts->columns[3].missing, 41u);
  const std::string shown = facts_text(*facts);
  for (const char* note :
       {"note: id: nearly all values are different, but 1 came before (first in row 30)",
        "note: weight_kg: far from the other values: 9150 in row 41",
        "note: row 41 looks like a total of the rows above it"})
    EXPECT_NE(shown.find(note), shown.npos) << shown;
  EXPECT_EQ(facts_json(*facts)["columns"][0]["distinct"], 40);
}

// What sends to a sink, as text.
class Recorder : public CellSink {
 public:
  std::string text_;
  void missing(int column) override { put(column, "missing"); }
  void number(int column, double value) override { put(column, exact_number(value)); }
  void text(int column, std::string_view value) override { put(column, std::string(value)); }
  void date(int column, int64_t micros) override { put(column, format_date({micros})); }
  void boolean(int column, bool value) override { put(column, value ? "true" : "false"); }
  void end_row() override { text_ += '\n'; }

 private:
  void put(int column, const std::string& value) { text_ += (column ? "," : "") + value; }
};

TEST_F(Readers, OnePassSendsWhatTwoPassesSendOrNothingCounts) {
  std::string bytes = "n,word,day,ok\n";
  for (int i = 0; i < 25'000; ++i)
    bytes += std::to_string(i) + ",\"w, " + std::to_string(i % 7) + "\",2024-01-0" +
             std::to_string(i % 9 + 1) + (i % 5 ? ",true\n" : ",\n");
  const auto single = [&](Recorder& recorder) {
    std::vector<std::string> notes;
    return csv_single_pass(
        "l.csv", [&](const std::vector<Column>&) -> CellSink& { return recorder; }, notes);
  };
  workspace.write("l.csv", bytes);
  Recorder once;
  Recorder twice;
  base::Result<bool> done = single(once);
  ASSERT_TRUE(done && *done);
  const auto source = CsvSource::open("l.csv");
  ASSERT_TRUE(source);
  const auto cursor = (*source)->start({0, 1, 2, 3});
  while (*(*cursor)->next(twice, 1000) > 0) continue;
  EXPECT_TRUE(once.text_ == twice.text_);
  // A late value of another kind, and a late row of another length, are left to the two passes.
  for (const char* late :
       {"x,w,2024-01-01,true\n", "007,w,2024-01-01,true\n", "1,w,soon,true\n", "1,w\n"}) {
    workspace.write("l.csv", bytes + late);
    Recorder ignored;
    done = single(ignored);
    EXPECT_TRUE(done && !*done) << late;
  }
  workspace.write("l.csv", bytes + "1,\"open\n");
  Recorder ignored;
  EXPECT_FALSE(single(ignored));
}

TEST(Grids, AreAlignedByWhatATerminalShows) {
  Grid grid({false, true});
  grid.add({"name", "n"});
  grid.add({"日本", "1"});
  grid.add({"e\u0301a", "200"});
  EXPECT_EQ(grid.text(true), "name    n\n────  ───\n日本    1\ne\u0301a    200\n");
}

TEST(Zip, SizesThatLieAreRefused) {
  ZipWriter writer;
  writer.add("a", std::string(100'000, 'x'));
  std::string bytes = writer.finish();
  const base::Result<ZipReader> zip = ZipReader::open(bytes, "z");
  ASSERT_TRUE(zip);
  EXPECT_EQ(zip->read("a", 100'000)->size(), 100'000u);
  EXPECT_FALSE(zip->read("a", 99'999));
  EXPECT_FALSE(zip->read("b", 10));
  // Every byte flipped, one at a time: an error or the same bytes, never a crash.
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(bytes[i] ^ 0x55);
    const base::Result<ZipReader> broken = ZipReader::open(bytes, "z");
    const base::Result<std::string> entry =
        broken ? broken->read("a", 1'000'000) : base::Result<std::string>(broken.error());
    EXPECT_TRUE(!entry || entry->size() == 100'000u) << i;
    bytes[i] = static_cast<char>(bytes[i] ^ 0x55);
  }
}

}  // namespace
