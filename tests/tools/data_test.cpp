// Values, dates, types, files and profiles as texts; then tables, which need DuckDB's library.

#include "tools/data/data.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include "base/json.h"

#include "tests/tools/engine_test.h"
#include "tools/data/csv.h"
#include "tools/data/dates.h"
#include "tools/data/infer.h"
#include "tools/data/workspace.h"

namespace {

using namespace tools::data;

TEST(NumberText, IsShortAndExactWhereItMatters) {
  const std::pair<double, const char*> cases[] = {{0, "0"},
                                                  {-0.0, "0"},
                                                  {5, "5"},
                                                  {-12, "-12"},
                                                  {129655, "129655"},
                                                  {999999999999999, "999999999999999"},
                                                  {1e15, "1000000000000000"},
                                                  {3700.6622, "3700.66"},
                                                  {5076.0, "5076"},
                                                  {100.5, "100.5"},
                                                  {99.98765, "99.988"},
                                                  {1.5, "1.5"},
                                                  {-2.0004, "-2"},
                                                  {0.33333333, "0.3333"},
                                                  {0.5, "0.5"},
                                                  {0.00001234, "1.234e-05"},
                                                  {-0.1, "-0.1"},
                                                  {100.001, "100"},
                                                  {0.99999, "1"}};
  for (const auto& [value, text] : cases) EXPECT_EQ(format_number(value), text) << value;
  EXPECT_EQ(format_number(std::nan("")), "");
  EXPECT_EQ(format_number(std::numeric_limits<double>::infinity()), "inf");
}

TEST(NumberText, InFilesReadsBackAsTheSameNumber) {
  for (const double x : {0.1, 1.0 / 3, 1e-300, 123456789.125, 1e22, -2.5})
    EXPECT_EQ(std::stod(exact_number(x)), x);
  EXPECT_EQ(exact_number(5), "5");
}

TEST(Texts, BytesThatAreNoUtf8AreReadAsWindows1252) {
  EXPECT_EQ(to_utf8("Z\xc3\xbcrich"), "Zürich");
  EXPECT_EQ(to_utf8("Z\xfcrich \x80"), "Zürich €");
  EXPECT_EQ(utf8_prefix("aüb", 2), 3u);
}

TEST(Dates, EveryFormatIsReadWholeOrNotAtAll) {
  const auto text = [](DateFormat format, const char* field) {
    const std::optional<int64_t> micros = parse_date(format, field);
    return micros ? format_date({*micros}) : std::string("-");
  };
  EXPECT_EQ(text(DateFormat::iso, "2014-03-05"), "2014-03-05");
  EXPECT_EQ(text(DateFormat::iso, "2014-03-05T14:30:00.25Z"), "2014-03-05 14:30:00");
  EXPECT_EQ(text(DateFormat::iso, "2014-03-05 00:30+01:00"), "2014-03-04 23:30:00");
  EXPECT_EQ(text(DateFormat::iso, "2014-02-30"), "-");
  EXPECT_EQ(text(DateFormat::iso, "2014-03-05x"), "-");
  EXPECT_EQ(text(DateFormat::month_day, "3/5/2014"), "2014-03-05");
  EXPECT_EQ(text(DateFormat::day_month, "3/5/2014"), "2014-05-03");
  EXPECT_EQ(text(DateFormat::mon_day_year, "Mar 5 2014"), "2014-03-05");
  EXPECT_EQ(text(DateFormat::day_mon_year, "5 Mar 2014"), "2014-03-05");
  EXPECT_EQ(text(DateFormat::month_day_comma_year, "March 5, 2014"), "2014-03-05");
  EXPECT_EQ(text(DateFormat::dotted, "05.03.2014"), "2014-03-05");
  EXPECT_EQ(text(DateFormat::slashed, "2014/03/05"), "2014-03-05");
  EXPECT_EQ(text(DateFormat::year_month, "2014-03"), "2014-03-01");
  EXPECT_EQ(text(DateFormat::year_month, "2014-13"), "-");
}

Reading guess(const std::vector<const char*>& fields) {
  Guess guess;
  for (const char* field : fields) guess.add(field);
  return guess.result();
}

TEST(Types, AreWhatEveryValueIs) {
  EXPECT_EQ(guess({"1", "-2.5", "1e3", ""}).type, Type::number);
  EXPECT_EQ(guess({"1", "x"}).type, Type::text);
  EXPECT_EQ(guess({"true", "false", "NA"}).type, Type::boolean);
  EXPECT_EQ(guess({"", "NA", "N/A", "NaN", "null", "NULL", "None", "-"}).type, Type::empty);
  EXPECT_EQ(guess({"1,234", "5"}).type, Type::number);
  EXPECT_EQ(guess({"$12", "$1,250.50"}).type, Type::number);
  EXPECT_EQ(guess({"45%", "3%"}).type, Type::number);
  EXPECT_EQ(guess({"$12", "€12"}).type, Type::text) << "two currencies are no sum";
  EXPECT_EQ(guess({"2014-03-05", "2014-03-06"}).type, Type::date);
  EXPECT_EQ(guess({"2014-03-05", "soon"}).type, Type::text);
}

TEST(Types, OfSlashedDatesGoByTheFirstPartAndSayWhenTheyGuess) {
  EXPECT_EQ(guess({"3/4/2014", "13/4/2014"}).format, DateFormat::day_month);
  EXPECT_EQ(guess({"3/4/2014", "4/13/2014"}).format, DateFormat::month_day);
  const Reading either = guess({"3/4/2014", "5/6/2014"});
  EXPECT_EQ(either.format, DateFormat::month_day);
  EXPECT_TRUE(either.ambiguous_dates);
  EXPECT_FALSE(guess({"3/3/2014"}).ambiguous_dates);
}

class Files : public testing::Test {
 protected:
  TemporaryWorkspace workspace;

  std::string profile(const std::string& name, std::string_view bytes) {
    workspace.write(name, bytes);
    return profile_of(name).text;
  }
};

TEST_F(Files, AProfileHasOneLinePerColumn) {
  EXPECT_EQ(profile("birds.csv",
                    "species,name,bill,day,active,nothing\n"
                    "wren,a,3.25,2012-01-31,true,\n"
                    "owl,b,12,2015-12-01,false,NA\n"
                    "wren,c,NA,,true,-\n"),
            "birds.csv: 3 rows\n"
            "species: text, 2 values: wren, owl\n"
            "name: text, 3 values: a, b, c\n"
            "bill: number 3.25 to 12, 1 missing\n"
            "day: date 2012-01-31 to 2015-12-01, 1 missing\n"
            "active: boolean\n"
            "nothing: empty");
}

TEST_F(Files, AProfileShowsAllOfEightValuesAndThreeOfMore) {
  EXPECT_EQ(profile("a.csv", "x\na\nb\nc\nd\ne\nf\ng\nh\na\n"),
            "a.csv: 9 rows\nx: text, 8 values: a, b, c, d, e, f, g, h");
  EXPECT_EQ(profile("b.csv", "x\na\nb\nc\nd\ne\nf\ng\nh\ni\n"),
            "b.csv: 9 rows\nx: text, 9 values: a, b, c, ...");
}

TEST_F(Files, AProfileCutsLongValuesByCodePoints) {
  EXPECT_EQ(profile("a.csv",
                    "x\n\"äbcdefghijklmnopqrstuvwxyz\"\nabcdefghijklmnopqrstuvwx\n\"a, b\nc\"\n"),
            "a.csv: 3 rows\nx: text, 3 values: äbcdefghijklmnopqrstuvw…, abcdefghijklmnopqrstuvwx, "
            "a  b c");
}

TEST_F(Files, AProfileOfManyColumnsIsShort) {
  std::string names, values;
  for (int i = 0; i < 45; ++i) {
    names += (i ? ",c" : "c") + std::to_string(i);
    values += (i ? "," : "") + std::string(i % 2 ? "t" : "7");
  }
  const std::string text = profile("wide.csv", names + "\n" + values + "\n");
  EXPECT_NE(
      text.find("\nc10: number 7 to 7\nc11: text, 1 value: t\nc12: number\nc13: text, 1 values\n"),
      text.npos)
      << text;
  EXPECT_TRUE(text.ends_with("\nc39: text, 1 values\nand 5 more columns")) << text;
}

TEST_F(Files, WhatIsNoTableIsNamed) {
  EXPECT_EQ(profile("notes/a.rst", "one\ntwo\n\nfour"),
            "notes/a.rst: text file, 4 lines, 13 bytes");
  EXPECT_EQ(profile("logo.png", "\x89PNG\r\n\x1a\nxyz"), "logo.png: PNG picture, 11 bytes");
  EXPECT_EQ(profile("b.bin", std::string_view("a\0b", 3)), "b.bin: binary file, 3 bytes");
  EXPECT_EQ(profile("e.txt", ""), "e.txt: empty file");
  EXPECT_EQ(profile_of("none.csv").text, "none.csv: no such file");
  EXPECT_EQ(profile_of("../x.csv").text, "\"../x.csv\" is outside the workspace");
}

TEST_F(Files, AnAmbiguousDateIsNoted) {
  workspace.write("a.csv", "day\n3/4/2014\n5/6/2014\n");
  EXPECT_EQ(profile_of("a.csv").note, "day was read as month/day/year");
}

TEST_F(Files, JsonArraysAndLinesAreTables) {
  EXPECT_EQ(
      profile("a.json", R"([{"city":"Bern","n":1,"ok":true},{"city":"Chur","n":null,"ok":false}])"),
      "a.json: 2 rows\ncity: text, 2 values: Bern, Chur\nn: number 1 to 1, 1 missing\nok: boolean");
  EXPECT_EQ(profile("a.ndjson", "{\"d\":\"2024-01-02\"}\n{\"d\":\"2024-01-03\"}\n"),
            "a.ndjson: 2 rows\nd: date 2024-01-02 to 2024-01-03");
}

TEST_F(Files, AProfileEventCarriesTheValues) {
  workspace.write("a.csv", "x,n\na,2\nb,1\na,\n");
  const nlohmann::json event = profile_event(profile_of("a.csv"));
  EXPECT_EQ(event["type"], "profile");
  EXPECT_EQ(event["rows"], 3);
  EXPECT_EQ(event["columns"][0]["values"], nlohmann::json::array({"a", "b"}));
  EXPECT_EQ(event["columns"][0]["distinct"], 2);
  EXPECT_EQ(event["columns"][1]["missing"], 1);
  EXPECT_EQ(event["columns"][1]["min"], 1);
  EXPECT_EQ(profile_event(profile_of("none.csv"))["error"], "none.csv: no such file");
}

TEST_F(Files, CsvDialectsAreFound) {
  for (const auto& [name, bytes] : std::initializer_list<std::pair<const char*, std::string>>{
           {"crlf.csv", "a,b\r\n1,x\r\n2,y\r\n"},
           {"mac.csv", "a,b\r1,x\r2,y\r"},
           {"bom.csv",
            "\xef\xbb\xbf"
            "a,b\n1,x\n2,y\n"},
           {"semicolon.csv", "a;b\n1;x\n2;y\n"},
           {"pipe.csv", "a|b\n1|x\n2|y"},
           {"tab.tsv", "a\tb\n1\tx\n2\ty\n"},
           {"spaces.csv", "a, b\n1 , x\n\n 2,y \n"},
           {"quoted.csv", "\"a\",\"b\"\n\"1\",\"x\"\n\"2\",\"y\"\n"}}) {
    const std::string text = profile(name, bytes);
    EXPECT_EQ(text, std::string(name) + ": 2 rows\na: number 1 to 2\nb: text, 2 values: x, y");
  }
}

TEST_F(Files, CsvQuotesMayHoldEverything) {
  EXPECT_EQ(profile("a.csv", "a,b\n\"say \"\"hi\"\"\",\"1\n2\"\nx,y\n"),
            "a.csv: 2 rows\na: text, 2 values: say \"hi\", x\nb: text, 2 values: 1 2, y");
}

TEST_F(Files, BrokenCsvIsOneSentence) {
  EXPECT_EQ(profile("empty.csv", ""), "empty.csv: the file is empty");
  EXPECT_EQ(profile("blank.csv", "\n\n"), "blank.csv: the file is empty");
  EXPECT_EQ(profile("ragged.csv", "a,b\n1,2\n3\n"), "ragged.csv: line 3 has 1 field, expected 2");
  EXPECT_EQ(profile("long.csv", "a,b\n1,2,3\n"), "long.csv: line 2 has 3 fields, expected 2");
  EXPECT_EQ(profile("zero.csv", std::string_view("a,b\n1,\0\n", 8)),
            "zero.csv: line 2 holds a zero byte; this is not a text table");
  EXPECT_EQ(profile("open.csv", "a,b\n1,\"x\n"),
            "open.csv: line 2 opens a quote that is never closed");
  EXPECT_EQ(profile("utf16.csv", std::string_view("\xff\xfe"
                                                  "a\0",
                                                  4))
                .substr(0, 9),
            "utf16.csv");
  EXPECT_EQ(profile("names.csv", "a,a,\n1,2,3\n"),
            "names.csv: 1 row\na: number 1 to 1\na_2: number 2 to 2\ncolumn3: number 3 to 3");
  EXPECT_EQ(profile("header.csv", "a,b\n"), "header.csv: 0 rows\na: empty\nb: empty");
}

TEST_F(Files, RecordsAcrossTheEndOfTheBufferStayWhole) {
  // Around the size of the buffer, so that fields, quotes and line ends fall on it.
  for (size_t size = (size_t{1} << 18) - 12; size < (size_t{1} << 18) + 4; ++size) {
    const std::string filler(size - 10, 'x');
    workspace.write("a.csv", "a,b\n1,\"" + filler + "\"\r\n2,\"q\"\"q\"\r\n");
    const Profile p = profile_of("a.csv");
    ASSERT_EQ(p.error, "") << size;
    ASSERT_EQ(p.rows, 2u) << size;
    ASSERT_EQ(p.columns[1].values[0], filler);
    ASSERT_EQ(p.columns[1].values[1], "q\"q");
  }
}

TEST_F(Files, BrokenJsonIsOneSentence) {
  for (const char* bytes :
       {"", "[", "[1,2]", "{\"a\":", "nonsense", "[{\"a\":1},2]", "{\"a\":1}}"}) {
    const std::string text = profile("a.json", bytes);
    EXPECT_EQ(text.find('\n'), text.npos) << text;
    EXPECT_EQ(text.substr(0, 8), "a.json: ") << text;
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += '[';
  EXPECT_EQ(profile("deep.json", deep).substr(0, 11), "deep.json: ");
}

TEST_F(Files, GlobsAndSuggestions) {
  EXPECT_TRUE(matches_glob("notes/a.txt", "*.txt"));
  EXPECT_TRUE(matches_glob("abc", "a?c"));
  EXPECT_FALSE(matches_glob("abc", "a?"));
  workspace.write("sales.csv", "a\n1\n");
  workspace.write("note.txt", "x");
  EXPECT_EQ(no_file("sale.csv", true), "no file \"sale.csv\"; files: sales.csv");
  EXPECT_EQ(no_file("not.txt", false), "no file \"not.txt\"; files: note.txt, sales.csv");
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i) many.push_back("column" + std::to_string(i));
  const std::string names = suggest(many, "columns55");
  EXPECT_NE(names.find("column55"), names.npos);
  EXPECT_TRUE(names.ends_with(", …"));
}

TEST_F(Files, LinksOutOfTheWorkspaceAreNotFollowed) {
  std::filesystem::create_symlink("/etc/passwd", workspace.path() / "p.csv");
  EXPECT_FALSE(open_to_read("p.csv"));
  EXPECT_FALSE(open_to_read("/etc/passwd"));
  EXPECT_FALSE(open_to_read("a/../../x"));
  EXPECT_FALSE(create_new("../x"));
  std::filesystem::create_directory_symlink(std::filesystem::temp_directory_path(),
                                            workspace.path() / "out");
  EXPECT_FALSE(create_new("out/tessera-x/y.csv"));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::temp_directory_path() / "tessera-x"));
}

TEST_F(Files, ANewFileBringsItsFolders) {
  workspace.write("file", "x");
  EXPECT_TRUE(create_new("a/b/c.csv"));
  EXPECT_TRUE(workspace.has("a/b/c.csv"));
  EXPECT_FALSE(create_new("a/b/c.csv"));
  EXPECT_FALSE(create_new("file/c.csv"));
}

class Tables : public EngineTest {
 protected:
  Table table(const std::string& name, std::string_view bytes) {
    workspace.write(name, bytes);
    base::Result<std::shared_ptr<const Source>> source = read_table(name, "data.read");
    EXPECT_TRUE(source) << source.error().message;
    return Table::of(engine, *source);
  }
  static std::string text(const base::Result<Table>& t) {
    if (!t) return "error: " + t.error().message;
    base::Result<std::string> printed = t->printed();
    return printed ? *printed : "error: " + printed.error().message;
  }
  Table birds() {
    return table("birds.csv",
                 "species,island,mass,day\n"
                 "wren,north,10,2014-01-15\nowl,north,300,2014-03-01\nwren,south,12,2014-03-31\n"
                 "owl,south,,2015-01-01\n,south,5,2013-12-31\nwren,north,11,2014-12-31\n");
  }
};

TEST_F(Tables, DatesCompareWithYearsMonthsAndDays) {
  const Table t = birds();
  const auto rows = [&](const char* op, const char* value) {
    return *t.where("day", op, Cell(std::string(value)))->count();
  };
  EXPECT_EQ(rows("==", "2014"), 4u);
  EXPECT_EQ(rows("~=", "2014"), 2u);
  EXPECT_EQ(rows("==", "2014-03"), 2u);
  EXPECT_EQ(rows("<", "2014"), 1u);
  EXPECT_EQ(rows("<=", "2014"), 5u);
  EXPECT_EQ(rows(">", "2014"), 1u);
  EXPECT_EQ(rows(">=", "2014-03"), 4u);
  EXPECT_EQ(rows(">", "2014-03-01"), 3u);
  EXPECT_EQ(*t.where("day", "==", Cell(2014.0))->count(), 4u);
}

TEST_F(Tables, GroupsKeepTheOrderOfFirstAppearance) {
  std::string note;
  EXPECT_EQ(text(birds().group({"species"}, Aggregate::mean, {"mass"}, note)),
            "species,mass\nwren,11\nowl,300");
  EXPECT_EQ(note, "1 row without species left out");
  EXPECT_EQ(text(birds().group({"island", "species"}, Aggregate::count, {}, note)),
            "island,species,count\nnorth,wren,2\nnorth,owl,1\nsouth,wren,1\nsouth,owl,1");
  EXPECT_EQ(text(birds().group({"species"}, Aggregate::max, {"day"}, note)),
            "species,day\nwren,2014-12-31\nowl,2015-01-01");
  EXPECT_EQ(text(birds().group({"species"}, Aggregate::median, {"mass", "mass"}, note)),
            "species,mass,mass_2\nwren,11,11\nowl,300,300");
}

TEST_F(Tables, OfCalendarPartsAreInCalendarOrder) {
  std::string note;
  EXPECT_EQ(text(birds()
                     .date_part("month_name", "day")
                     ->group({"month_name"}, Aggregate::count, {}, note)),
            "month_name,count\nJan,2\nMar,2\nDec,2");
  EXPECT_EQ(
      text(birds().date_part("weekday", "day")->group({"weekday"}, Aggregate::count, {}, note)),
      "weekday,count\nMon,1\nTue,1\nWed,2\nThu,1\nSat,1");
  EXPECT_EQ(
      text(birds().date_part("quarter", "day")->group({"quarter"}, Aggregate::sum, {"mass"}, note)),
      "quarter,mass\n2014 Q1,322\n2015 Q1,0\n2013 Q4,5\n2014 Q4,11");
}

TEST_F(Tables, TopRowsLeaveOutMissingValues) {
  EXPECT_EQ(text(birds().top(2, "mass", std::nullopt, true)->select({"mass"})), "mass\n300\n12");
  EXPECT_EQ(text(birds().top(1, "mass", "island", false)->select({"island", "mass"})),
            "island,mass\nnorth,10\nsouth,5");
  EXPECT_EQ(text(birds().top(0, "mass", std::nullopt, true)), "species,island,mass,day");
  EXPECT_EQ(text(birds().top(-1, "mass", std::nullopt, true)),
            "error: top: the number of rows is negative");
}

TEST_F(Tables, SortIsStableAndPutsMissingLast) {
  const Table t = table("s.csv", "k,v\nb,1\na,2\n,3\nb,4\na,5\n");
  EXPECT_EQ(text(t.sort("k", false)), "k,v\na,2\na,5\nb,1\nb,4\n,3");
  EXPECT_EQ(text(t.sort("k", true)), "k,v\nb,1\nb,4\na,2\na,5\n,3");
  EXPECT_EQ(text(t.sort("v", true)->sort("k", false)->head(2)), "k,v\na,5\na,2");
}

TEST_F(Tables, DeriveKeepsMissingAndDividesByZeroToMissing) {
  const Table t = table("d.csv", "a,b c\n6,3\n1,0\n,2\n");
  EXPECT_EQ(text(t.derive("x", "[a] / [b c] * 100 - (1 + -2)")->select({"x"})), "x\n201\n\n");
  EXPECT_EQ(text(t.derive("a", "[a] + 1")->select({"a"})), "a\n7\n2\n");
  EXPECT_EQ(text(t.derive("x", "[a] + [z]")), "error: derive: no column \"z\"; columns: a, b c");
  for (const char* bad :
       {"", "[a", "[a] +", "[a] [a]", "(1", "1)", "[a]; DROP TABLE x", "'x'", "[a] ^ 2"})
    EXPECT_EQ(text(t.derive("x", bad)).substr(0, 21), "error: derive: cannot") << bad;
  EXPECT_EQ(text(t.derive("x", std::string(200, '(') + "1")),
            "error: derive: the expression is nested too deep");
}

TEST_F(Tables, NamesNeverBecomeSql) {
  const Table t = table("q.csv", "\"a\"\"; DROP TABLE x; --\",b'\n\"it's\",1\n");
  EXPECT_EQ(text(t.where("a\"; DROP TABLE x; --", "==", Cell(std::string("it's")))->select({"b'"})),
            "b': 1");
}

TEST_F(Tables, JoinNumbersClashingColumns) {
  const Table a = table("a.csv", "k,n\nx,1\ny,2\nz,3\n");
  const Table b = table("b.csv", "n,k\n10,y\n20,x\n30,y\n");
  std::string note;
  EXPECT_EQ(text(a.join(b, "k", note)), "k,n,n_2\nx,1,20\ny,2,10\ny,2,30");
  EXPECT_EQ(text(a.join(b, "q", note)), "error: join: no column \"q\"; columns: k, n");
  EXPECT_EQ(text(a.join(table("c.csv", "k\n1\n"), "k", note)),
            "error: join: column \"k\" is text in one table and number in the other");
  EXPECT_EQ(note, "");
}

TEST_F(Tables, JoinSaysThatItMultipliedRows) {
  const Table a = table("a.csv", "k,n\nx,1\nx,2\ny,3\nq,4\nr,5\n");
  const Table b = table("b.csv", "k,m\nx,10\nx,20\nx,30\ny,40\ns,50\n");
  const auto note_of = [](const Table& here, const Table& there, const char* how,
                          std::vector<std::pair<std::string, std::string>> on = {{"k", "k"}}) {
    std::string note;
    base::Result<Table> joined = here.join_on(there, on, how, note);
    EXPECT_TRUE(joined) << how;
    if (!joined) return joined.error().message;
    // What the rows are counted by is gone.
    EXPECT_EQ(joined->sort("k", false)->count().value(), joined->count().value()) << how;
    return note;
  };
  const std::string begin = "join: \"k\" repeats in both tables: 5 and 5 rows became ";
  EXPECT_EQ(note_of(a, b, "inner"), begin + "7");
  EXPECT_EQ(note_of(a, b, "left"), begin + "9");
  EXPECT_EQ(note_of(a, b, "right"), begin + "8");
  EXPECT_EQ(note_of(a, b, "full"), begin + "10");
  EXPECT_EQ(note_of(a, b, "semi"), "");
  EXPECT_EQ(note_of(a, b, "anti"), "");
  // Rows that are no more than those of a table, and rows that only an outer join adds.
  EXPECT_EQ(note_of(*a.head(2), *b.head(1), "inner"), "");
  const Table ones = table("ones.csv", "k,m\nx,1\ny,2\nz,3\n");
  const Table others = table("others.csv", "k,n\nx,1\nx,2\nu,3\nv,4\n");
  for (const char* how : {"inner", "left", "right", "full"}) {
    EXPECT_EQ(note_of(ones, others, how), "") << how;
    EXPECT_EQ(note_of(others, ones, how), "") << how;
  }
  // Sizes that have to be counted.
  EXPECT_EQ(note_of(*a.where("k", "==", Cell(std::string("x"))), *b.sort("m", true), "inner"),
            "join: \"k\" repeats in both tables: 2 and 5 rows became 6");
  EXPECT_EQ(note_of(*a.known("k"), *b.where("m", "<", Cell(15.0)), "inner"), "");
  const Table wide = table("wide.csv", "k,l\nx,1\nx,1\nx,2\n");
  EXPECT_EQ(
      note_of(wide, wide, "inner", {{"k", "k"}, {"l", "l"}}),
      "join: \"k\" and \"l\" together repeat in both tables: 3 and 3 rows became 5; tables of "
      "the same columns are put together by data.union");
  EXPECT_EQ(note_of(a, table("more.csv", "n,k\n7,x\n8,x\n9,x\n"), "inner"),
            "join: \"k\" repeats in both tables: 5 and 3 rows became 6; tables of the same columns "
            "are put together by data.union");
}

TEST_F(Tables, LongChainsGroupPivotAndJoin) {
  Table t = birds();
  std::string note;
  for (int i = 0; i < 30; ++i) {
    t = *t.where("mass", ">", Cell(0.0));
    EXPECT_EQ(text(t.group_by({"species"}, {{"n", "count", ""}}, note)),
              "species,n\nwren,3\nowl,1");
    EXPECT_EQ(note, "1 row without species left out");
    EXPECT_EQ(text(t.pivot({"species"}, "island", "mass", "count", note)),
              "species,north,south\nwren,2,1\nowl,1,0");
    EXPECT_EQ(*t.join_on(t, {{"species", "species"}}, "left", note)->count(), 11u);
  }
}

TEST_F(Tables, UnionMatchesColumnsByName) {
  const Table a = table("girls_2023.csv", "name,n\nEmma,1\n");
  const Table b = table("girls_2024.csv", "n,name,more\n2,Mia,x\n");
  EXPECT_EQ(text(Table::union_of({a, b}, {"girls_2023.csv", "girls_2024.csv"})),
            "name,n,file\nEmma,1,girls_2023\nMia,2,girls_2024");
  EXPECT_EQ(text(Table::union_of({b, a}, {"girls_2024.csv", "girls_2023.csv"})),
            "error: data.union: girls_2023.csv has no column \"more\"; columns: name, n");
}

TEST_F(Tables, AggregatesIgnoreMissingValues) {
  const Table t = birds();
  EXPECT_EQ(cell_text(*t.aggregate(Aggregate::mean, "mass")), "67.6");
  EXPECT_EQ(cell_text(*t.aggregate(Aggregate::median, "mass")), "11");
  EXPECT_EQ(cell_text(*t.aggregate(Aggregate::min, "day")), "2013-12-31");
  EXPECT_EQ(*t.missing("mass"), 1u);
  EXPECT_EQ(*t.distinct("island"), 2u);
  EXPECT_EQ(t.aggregate(Aggregate::mean, "species").error().message,
            "mean: column \"species\" is text; number columns: mass");
  EXPECT_EQ(text(t.share("mass")->select({"share"})), "share\n2.959\n88.757\n3.55\n\n1.479\n3.254");
}

TEST_F(Tables, PrintsOneRowByNameAndAtMostTwelve) {
  EXPECT_EQ(text(birds().head(1)), "species: wren, island: north, mass: 10, day: 2014-01-15");
  EXPECT_EQ(text(table("one.csv", "a,b\n,\"x, y\"\n")), "a: missing, b: x, y");
  std::string bytes = "n\n";
  for (int i = 1; i <= 40; ++i) bytes += std::to_string(i) + "\n";
  EXPECT_EQ(text(table("n.csv", bytes)), "n\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n... 40 rows");
}

TEST_F(Tables, SavesExactNumbersAndNeverOverwrites) {
  const Table t = table("a.csv", "a,b\n0.123456789,\"x, \"\"y\"\"\"\n,z\n");
  ASSERT_TRUE(t.save("o.csv"));
  EXPECT_EQ(workspace.read("o.csv"), "a,b\n0.123456789,\"x, \"\"y\"\"\"\n,z\n");
  ASSERT_TRUE(t.save("o.json"));
  EXPECT_EQ(nlohmann::json::parse(workspace.read("o.json"), nullptr, false),
            nlohmann::json::parse(R"([{"a":0.123456789,"b":"x, \"y\""},{"a":null,"b":"z"}])"));
  EXPECT_EQ(t.save("o.csv").error().message, "save: \"o.csv\" exists already");
  EXPECT_EQ(t.save("o.xml").error().message, "save: \"o.xml\" must end in .csv, .json or .txt");
  EXPECT_EQ(t.save("../o.csv").error().message, "save: \"../o.csv\" is outside the workspace");
}

TEST_F(Tables, ATextFileHasALineForEachRow) {
  const Table t =
      table("a.csv", "a,b\n0.123456789,\"x, \"\"y\"\"\"\n,\"two\r\nlines\nof it\"\n3,\n");
  EXPECT_EQ(t.save("o.txt").error().message,
            "save: \"o.txt\" holds lines of one column; select one of: a, b");
  ASSERT_TRUE(t.select({"b"})->save("b.txt"));
  EXPECT_EQ(workspace.read("b.txt"), "x, \"y\"\ntwo lines of it\n\n");
  EXPECT_EQ(*t.select({"a"})->save("a.txt"), 3u);
  EXPECT_EQ(workspace.read("a.txt"), "0.123456789\n\n3\n");
  EXPECT_EQ(t.select({"a"})->save("a.txt").error().message, "save: \"a.txt\" exists already");
  // As data.lines gives them.
  const Table lines = table("l.csv", "line,text\n1,later\n2,\"sooner, \"\n");
  ASSERT_TRUE(lines.sort("line", true)->save("out/l.txt"));
  EXPECT_EQ(workspace.read("out/l.txt"), "sooner, \nlater\n");
  EXPECT_EQ(*lines.where("line", ">", Cell(5.0))->save("none.txt"), 0u);
  EXPECT_EQ(workspace.read("none.txt"), "");
}

TEST_F(Tables, AListHoldsTheDifferentValuesOfAGroupInOrder) {
  const Table t = table(
      "l.csv",
      "k,n,word,day,yes,none\n"
      "a,10,pear,2024-05-01,true,\na,9.5,\"fig, dried\",2023-05-01,false,\na,10,,2024-05-01,true,\n"
      "b,,,,,\na,-3,Apple,2024-01-31 10:30:00,true,\n,5,x,2024-01-01,true,\n");
  std::string note;
  const auto list = [&](const Table& of, const char* column) {
    base::Result<Table> groups = of.group_by({"k"}, {{"list", "list", column}}, note);
    return groups ? text(groups->where("k", "==", Cell(std::string("a")))->select({"list"}))
                  : groups.error().message;
  };
  EXPECT_EQ(list(t, "n"), "list: -3, 9.5, 10");
  EXPECT_EQ(note, "1 row without k left out");
  EXPECT_EQ(list(t, "word"), "list: Apple, fig, dried, pear");
  EXPECT_EQ(list(t, "day"), "list: 2023-05-01, 2024-01-31 10:30:00, 2024-05-01");
  EXPECT_EQ(list(t, "yes"), "list: false, true");
  EXPECT_EQ(list(t, "none"), "list: missing");
  EXPECT_EQ(list(*t.date_part("month_name", "day"), "month_name"), "list: Jan, May");
  EXPECT_EQ(text(t.group_by({"k"}, {{"list", "list", "n"}, {"n", "count", ""}}, note)),
            "k,list,n\na,\"-3, 9.5, 10\",4\nb,,1");
  EXPECT_EQ(text(t.group_by({"k"}, {{"list", "list", "m"}}, note)),
            "error: group: no column \"m\"; columns: k, n, word, day, yes, none");
  EXPECT_EQ(text(t.group_by({"k"}, {{"list", "list", ""}}, note)),
            "error: group: list of \"list\" needs a column, as in {\"list\", \"k\"}");
  EXPECT_EQ(text(t.pivot({"k"}, "word", "n", "list", note)).substr(0, 38),
            "error: pivot: unknown summary \"list\"; ");
}

TEST_F(Tables, AListAgreesWithTheUniqueValuesSorted) {
  std::string rows = "k,n,w\n";
  for (int i = 0; i < 3000; ++i)
    rows += std::to_string(i % 7) + "," + std::to_string(i * 37 % 101 - 50) + ",w" +
            std::to_string(i * 11 % 53) + "\n";
  const Table t = table("many.csv", rows);
  std::string note;
  const base::Result<Table> groups =
      t.group_by({"k"}, {{"list", "list", "n"}, {"words", "list", "w"}}, note);
  ASSERT_TRUE(groups) << groups.error().message;
  const base::Result<Rows> cells = groups->fetch(10);
  ASSERT_TRUE(cells && cells->count == 7);
  for (uint64_t row = 0; row < 7; ++row) {
    const Table mine = *t.where("k", "==", cells->columns[0][row]);
    for (const auto& [column, place] : {std::pair{"n", 1}, {"w", 2}}) {
      const base::Result<Rows> values = mine.unique(column)->sort(column, false)->fetch(1000);
      std::string joined;
      for (const Cell& value : values->columns[0])
        joined += (joined.empty() ? "" : ", ") + cell_text(value);
      EXPECT_EQ(cell_text(cells->columns[static_cast<size_t>(place)][row]), joined) << column;
    }
  }
}

TEST_F(Tables, LongChainsStayAnswerable) {
  base::Result<Table> t = birds();
  for (int i = 0; i < 80 && t; ++i) t = t->where("mass", ">", Cell(i % 10 * 1.0));
  ASSERT_TRUE(t) << t.error().message;
  EXPECT_EQ(*t->count(), 4u);
}

}  // namespace
