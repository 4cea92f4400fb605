// A workbook is a ZIP archive of XML parts. xl/workbook.xml names the sheets, its relations file
// says which part each is; xl/sharedStrings.xml holds the texts, once each; xl/styles.xml tells by
// number format which numbers are dates. Parts other than these are not looked at.
//
// Dates are days since 1899-12-30 (Excel believes in a 29 February 1900, so days before March 1900
// are one off), or since 1904-01-01 where the workbook says so.

#include "tools/data/xlsx.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <set>

#include "tools/data/dates.h"
#include "tools/data/infer.h"
#include "tools/data/loose_table.h"
#include "tools/data/workspace.h"
#include "tools/data/xml.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;
using Event = XmlReader::Event;

constexpr uint64_t kMaxFile = 256'000'000;
constexpr uint64_t kMaxPart = 1'000'000'000;
constexpr uint64_t kMaxCellBytes = 500'000'000;
constexpr size_t kMaxColumns = 4096;
constexpr size_t kMaxSheets = 1000;
constexpr size_t kTitleRows = 10;
constexpr int64_t kDay = 86'400'000'000;

struct Sheet {
  std::string name{}, relation{};
  bool hidden = false;
};

enum class Look : uint8_t { number, date, time };

// What a format code shows: quoted and escaped characters do not count, nor what is in brackets
// ([Red], [$-409]), [h] apart.
Look look_of(const std::string& code) {
  bool day = false;
  bool time = false;
  for (size_t i = 0; i < code.size(); ++i) {
    const char c = static_cast<char>(code[i] | 0x20);
    if (code[i] == '"') {
      while (++i < code.size() && code[i] != '"') {
      }
    } else if (code[i] == '\\' || code[i] == '_' || code[i] == '*') {
      ++i;
    } else if (code[i] == '[') {
      const size_t end = code.find(']', i);
      const std::string inside = code.substr(i + 1, end == code.npos ? 0 : end - i - 1);
      if (inside == "h" || inside == "hh" || inside == "m" || inside == "mm" || inside == "s")
        time = true;
      if (end == code.npos) break;
      i = end;
    } else if (code[i] == ';') {
      break;  // further sections are for negative numbers and texts
    } else if (c == 'y' || c == 'd') {
      day = true;
    } else if (c == 'h' || c == 's') {
      time = true;
    } else if (c == 'm' && !time) {
      day = true;
    } else if (c == 'g' || c == 'e' || code[i] == '0' || code[i] == '#') {
      if (code.compare(i, 7, "General") == 0) break;
      if (code[i] == '0' || code[i] == '#')
        if (!day && !time) return Look::number;
    }
  }
  // "mm:ss" begins with an m that is no month.
  if (day && time && code.find_first_of("yYdD") == code.npos) day = false;
  return day ? Look::date : time ? Look::time : Look::number;
}

Look look_of(int id) {
  if ((id >= 14 && id <= 17) || id == 22 || (id >= 27 && id <= 31) || (id >= 34 && id <= 36) ||
      (id >= 50 && id <= 58))
    return Look::date;
  if ((id >= 18 && id <= 21) || id == 32 || id == 33 || (id >= 45 && id <= 47)) return Look::time;
  return Look::number;
}

int whole(const std::optional<std::string>& text, int otherwise) {
  int value = otherwise;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::vector<Look> read_styles(const std::string& xml) {
  std::vector<std::pair<int, Look>> formats;
  std::vector<Look> looks;
  bool in_cells = false;
  XmlReader reader(xml);
  for (Event e = reader.next(); e != Event::end; e = reader.next()) {
    if (e == Event::text) continue;
    if (reader.name() == "cellXfs") in_cells = e == Event::open;
    if (e != Event::open) continue;
    if (reader.name() == "numFmt" && formats.size() < 10'000)
      formats.emplace_back(whole(reader.attribute("numFmtId"), -1),
                           look_of(reader.attribute("formatCode").value_or("")));
    if (reader.name() == "xf" && in_cells && looks.size() < 100'000) {
      const int id = whole(reader.attribute("numFmtId"), 0);
      Look look = look_of(id);
      for (const auto& [format, what] : formats)
        if (format == id) look = what;
      looks.push_back(look);
    }
  }
  return looks;
}

// Texts, each a run of <t>; <rPh> is how to pronounce it.
std::vector<std::string> read_shared(const std::string& xml) {
  std::vector<std::string> texts;
  bool in_text = false;
  int phonetic = 0;
  XmlReader reader(xml);
  for (Event e = reader.next(); e != Event::end; e = reader.next()) {
    if (e == Event::text) {
      if (in_text && phonetic == 0 && !texts.empty()) texts.back() += reader.text();
      continue;
    }
    if (reader.name() == "si" && e == Event::open) texts.emplace_back();
    if (reader.name() == "rPh") phonetic += e == Event::open ? 1 : -1;
    if (reader.name() == "t") in_text = e == Event::open;
  }
  return texts;
}

// "BC12" → column 54.
std::optional<size_t> column_of(std::string_view reference) {
  size_t column = 0;
  size_t n = 0;
  while (n < reference.size() && reference[n] >= 'A' && reference[n] <= 'Z' && n < 4)
    column = column * 26 + static_cast<size_t>(reference[n++] - 'A' + 1);
  if (n == 0 || column > kMaxSheetColumns) return std::nullopt;
  return column - 1;
}

Cell from_serial(double serial, Look look, bool from_1904) {
  if (look == Look::time && serial >= 0 && serial < 1) {
    const auto seconds = std::lround(serial * 86'400);
    char text[32];
    std::snprintf(text, sizeof text, "%02ld:%02ld:%02ld", seconds / 3600, seconds / 60 % 60,
                  seconds % 60);
    return std::string(text);
  }
  // [h]:mm of more than a day is a duration, a number of days.
  if (look == Look::time || serial < 0 || serial >= 2'958'466) return serial;
  const double epoch = from_1904 ? -24'107 : serial < 60 ? -25'568 : -25'569;
  const double day = std::floor(serial);
  const auto seconds = std::llround((serial - day) * 86'400);
  return Date{static_cast<int64_t>(day + epoch) * kDay + seconds * 1'000'000};
}

struct Workbook {
  std::vector<Look> looks{};
  std::vector<std::string> shared{};
  bool from_1904 = false;
};

// What is wrong with cells, for a note.
struct Complaints {
  uint64_t errors = 0, without_result = 0;
  std::string first_error{}, first_without{};
};

struct Rows {
  LooseTable table{};
  std::vector<uint64_t> places{};  // row of the sheet of each row of the table
};

base::Status read_sheet(const std::string& path, const std::string& xml, const Workbook& book,
                        Rows& rows, Complaints& complaints) {
  XmlReader reader(xml);
  uint64_t row = 0;
  size_t column = 0;
  size_t next_column = 0;
  bool any = false;
  bool in_cell = false;
  bool in_value = false;
  bool formula = false;
  bool has_value = false;
  int style = 0;
  std::string type;
  std::string reference;
  std::string value;
  for (Event e = reader.next(); e != Event::end; e = reader.next()) {
    if (e == Event::text) {
      if (in_value && value.size() < (size_t{1} << 20)) value += reader.text();
      continue;
    }
    const std::string_view name = reader.name();
    const bool open = e == Event::open;
    if (name == "row") {
      if (open) {
        const int given = whole(reader.attribute("r"), 0);
        row = given > 0 ? static_cast<uint64_t>(given) : row + 1;
        next_column = 0;
        any = false;
      } else if (any) {
        rows.table.end_row();
        rows.places.push_back(row);
        if (rows.table.rows() > kMaxSheetRows)
          return Error{Errc::limit, path + ": more than 1048576 rows"};
      }
    } else if (name == "c" && open) {
      in_cell = true;
      formula = has_value = false;
      reference = reader.attribute("r").value_or("");
      column = column_of(reference).value_or(next_column);
      next_column = column + 1;
      if (column >= kMaxColumns) return Error{Errc::limit, path + ": more than 4096 columns"};
      style = whole(reader.attribute("s"), 0);
      type = reader.attribute("t").value_or("n");
      value.clear();
    } else if (name == "f" && in_cell) {
      formula = true;
    } else if ((name == "v" || name == "t") && in_cell) {
      in_value = open;
      has_value = has_value || open;
    } else if (name == "rPh" && in_cell && open) {
      in_value = false;
    } else if (name == "c" && in_cell) {
      in_cell = in_value = false;
      Cell cell;
      if (!has_value) {
        if (formula && complaints.without_result++ == 0) complaints.first_without = reference;
      } else if (type == "s") {
        size_t index = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), index);
        if (error != std::errc() || index >= book.shared.size())
          return Error{Errc::corrupt,
                       path + ": cell " + reference + " names a text that is not there"};
        cell = book.shared[index];
      } else if (type == "str" || type == "inlineStr") {
        cell = value;
      } else if (type == "b") {
        cell = value == "1" || value == "true";
      } else if (type == "e") {
        if (complaints.errors++ == 0) complaints.first_error = reference + " " + value;
      } else if (type == "d") {
        if (const auto date = parse_date(DateFormat::iso, value))
          cell = Date{*date};
        else
          cell = value;
      } else if (!value.empty()) {
        const std::optional<double> number = parse_number(trimmed(value));
        if (!number) return Error{Errc::corrupt, path + ": cell " + reference + " holds no number"};
        const Look look = style >= 0 && static_cast<size_t>(style) < book.looks.size()
                              ? book.looks[static_cast<size_t>(style)]
                              : Look::number;
        cell = look == Look::number ? Cell(*number) : from_serial(*number, look, book.from_1904);
      }
      if (const std::string* text = std::get_if<std::string>(&cell))
        if (trimmed(*text).empty()) cell = Cell();
      if (!std::holds_alternative<std::monostate>(cell)) {
        rows.table.put(column, cell);
        any = true;
        if (rows.table.bytes() > kMaxCellBytes)
          return Error{Errc::limit, path + ": the sheet is too large to be held in memory"};
      }
    }
  }
  return base::Ok{};
}

size_t filled(const LooseTable& table, uint64_t row) {
  size_t n = 0;
  for (size_t c = 0; c < table.width(); ++c) n += !table.text(c, row).empty();
  return n;
}

// Only numbers and dates: such a row holds no names.
bool looks_like_data(const LooseTable& table, uint64_t row) {
  bool any = false;
  for (size_t c = 0; c < table.width(); ++c) {
    const std::string text = table.text(c, row);
    if (text.empty()) continue;
    if (!parse_number(text) && !parse_date(DateFormat::iso, text)) return false;
    any = true;
  }
  return any;
}

}  // namespace

base::Result<std::shared_ptr<Frame>> read_xlsx(const std::string& path, const std::string& sheet) {
  base::Result<std::string> bytes = read_whole(path, kMaxFile);
  if (!bytes) return bytes.error();
  if (bytes->empty()) return Error{Errc::corrupt, path + ": the file is empty"};
  if (bytes->substr(0, 4) == "\xd0\xcf\x11\xe0")
    return Error{Errc::unsupported,
                 path + ": an old (xls) or encrypted workbook; save it as xlsx without a password"};
  base::Result<ZipReader> zip = ZipReader::open(*bytes, path);
  if (!zip) return zip.error();
  base::Result<std::string> xml = zip->read("xl/workbook.xml", kMaxPart);
  if (!xml) {
    if (xml.error().code == Errc::not_found)
      return Error{Errc::corrupt, path + ": no Excel workbook"};
    return xml.error();
  }
  Workbook book;
  std::vector<Sheet> sheets;
  XmlReader reader(*xml);
  for (Event e = reader.next(); e != Event::end; e = reader.next()) {
    if (e != Event::open) continue;
    if (reader.name() == "workbookPr") {
      const std::string flag = reader.attribute("date1904").value_or("");
      book.from_1904 = flag == "1" || flag == "true";
    }
    if (reader.name() == "sheet" && sheets.size() < kMaxSheets)
      sheets.push_back({.name = to_utf8(reader.attribute("name").value_or("")),
                        .relation = reader.attribute("id").value_or(""),
                        .hidden = reader.attribute("state").value_or("visible") != "visible"});
  }
  const Sheet* wanted = nullptr;
  std::vector<std::string> names;
  for (const Sheet& s : sheets) {
    names.push_back(s.name);
    if (!wanted && (sheet.empty() ? !s.hidden : s.name == sheet)) wanted = &s;
  }
  if (!wanted && sheet.empty() && !sheets.empty()) wanted = &sheets[0];
  if (!wanted && sheets.empty()) return Error{Errc::corrupt, path + ": a workbook without sheets"};
  if (!wanted)
    return Error{Errc::usage,
                 path + ": no sheet \"" + sheet + "\"; sheets: " + suggest(names, sheet)};
  base::Result<std::string> relations = zip->read("xl/_rels/workbook.xml.rels", kMaxPart);
  if (!relations) return Error{Errc::corrupt, path + ": a workbook without relations"};
  std::string part;
  XmlReader links(*relations);
  for (Event e = links.next(); e != Event::end; e = links.next())
    if (e == Event::open && links.name() == "Relationship" &&
        links.attribute("Id") == wanted->relation)
      part = links.attribute("Target").value_or("");
  part = part.starts_with("/") ? part.substr(1) : "xl/" + part;
  if (zip->has("xl/styles.xml")) {
    base::Result<std::string> styles = zip->read("xl/styles.xml", kMaxPart);
    if (!styles) return styles.error();
    book.looks = read_styles(*styles);
  }
  if (zip->has("xl/sharedStrings.xml")) {
    base::Result<std::string> shared = zip->read("xl/sharedStrings.xml", kMaxPart);
    if (!shared) return shared.error();
    book.shared = read_shared(*shared);
  }
  base::Result<std::string> content = zip->read(part, kMaxPart);
  if (!content) {
    if (content.error().code == Errc::not_found)
      return Error{Errc::corrupt, path + ": the sheet \"" + wanted->name + "\" is not in the file"};
    return content.error();
  }
  Rows rows;
  Complaints complaints;
  if (base::Status ok = read_sheet(path, *content, book, rows, complaints); !ok) return ok.error();
  content->clear();
  const LooseTable& table = rows.table;
  if (table.rows() == 0)
    return Error{Errc::corrupt, path + ": the sheet \"" + wanted->name + "\" is empty"};
  std::vector<std::string> notes;
  // A title: one cell in a row, above rows with more.
  uint64_t first = 0;
  if (table.width() > 1)
    while (first + 1 < table.rows() && first < kTitleRows && filled(table, first) == 1) ++first;
  if (first > 0 && filled(table, first) == 1) first = 0;
  if (first > 0) {
    std::string title;
    for (size_t c = 0; c < table.width(); ++c) title += table.text(c, 0);
    notes.push_back("row " + std::to_string(rows.places[0]) + " was taken as a title: \"" +
                    title.substr(0, utf8_prefix(title, 40)) + "\"");
  }
  const bool header = !(looks_like_data(table, first) &&
                        (first + 1 >= table.rows() || looks_like_data(table, first + 1)));
  std::vector<std::string> columns(table.width());
  if (header)
    for (size_t c = 0; c < table.width(); ++c) columns[c] = table.text(c, first);
  const uint64_t data_row = first + (header ? 1 : 0);
  std::shared_ptr<Frame> frame = table.finish(
      columns, data_row, data_row < table.rows() ? rows.places[data_row] : rows.places[first] + 1);
  for (const std::string& note : frame->notes()) notes.push_back(note);
  if (complaints.errors > 0)
    notes.push_back(counted(complaints.errors, "cell") +
                    (complaints.errors == 1 ? " holds an error and is missing ("
                                            : " hold an error and are missing (") +
                    complaints.first_error + ")");
  if (complaints.without_result > 0)
    notes.push_back(counted(complaints.without_result, "formula") +
                    (complaints.without_result == 1 ? " has" : " have") +
                    " no stored result and count as missing (" + complaints.first_without + ")");
  if (sheet.empty() && sheets.size() > 1)
    notes.push_back("the sheet \"" + wanted->name + "\" was read; sheets: " + suggest(names, ""));
  frame->add_notes(std::move(notes));
  return frame;
}

// Writing
// -----------------------------------------------------------------------------------------------

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // XML has no place for other control characters.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n') out += c;
    }
  }
  return out;
}

std::string column_name(size_t column) {
  std::string name;
  for (++column; column > 0; column = (column - 1) / 26)
    name.insert(name.begin(), static_cast<char>('A' + (column - 1) % 26));
  return name;
}

constexpr std::string_view kHead =
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
constexpr size_t kMaxCellText = 32'767;

}  // namespace

XlsxWriter::XlsxWriter(const std::vector<Column>& columns) {
  const std::string head(kHead);
  const std::string main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const std::string office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const std::string package = "http://schemas.openxmlformats.org/package/2006/";
  const std::string type = "application/vnd.openxmlformats-officedocument.spreadsheetml.";
  zip_.add("[Content_Types].xml",
           head + "<Types xmlns=\"" + package +
               "content-types\"><Default Extension=\"rels\" "
               "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
               "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
               "<Override PartName=\"/xl/workbook.xml\" ContentType=\"" +
               type +
               "sheet.main+xml\"/>"
               "<Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"" +
               type + "worksheet+xml\"/><Override PartName=\"/xl/styles.xml\" ContentType=\"" +
               type + "styles+xml\"/></Types>");
  zip_.add("_rels/.rels", head + "<Relationships xmlns=\"" + package +
                              "relationships\"><Relationship Id=\"rId1\" Type=\"" + office +
                              "/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>");
  zip_.add(
      "xl/workbook.xml",
      head + "<workbook xmlns=\"" + main + "\" xmlns:r=\"" + office +
          "\"><sheets><sheet name=\"Sheet1\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>");
  zip_.add("xl/_rels/workbook.xml.rels",
           head + "<Relationships xmlns=\"" + package +
               "relationships\"><Relationship Id=\"rId1\" Type=\"" + office +
               "/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"" +
               office + "/styles\" Target=\"styles.xml\"/></Relationships>");
  // Cell formats: 0 plain, 1 a day, 2 a day and time, 3 bold (the names).
  zip_.add("xl/styles.xml",
           head + "<styleSheet xmlns=\"" + main +
               "\"><numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/>"
               "<numFmt numFmtId=\"165\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/></numFmts>"
               "<fonts count=\"2\"><font/><font><b/></font></fonts>"
               "<fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill>"
               "<fill><patternFill patternType=\"gray125\"/></fill></fills>"
               "<borders count=\"1\"><border/></borders>"
               "<cellStyleXfs count=\"1\"><xf/></cellStyleXfs><cellXfs count=\"4\"><xf/>"
               "<xf numFmtId=\"164\" applyNumberFormat=\"1\"/><xf numFmtId=\"165\" "
               "applyNumberFormat=\"1\"/>"
               "<xf fontId=\"1\" applyFont=\"1\"/></cellXfs></styleSheet>");
  zip_.begin("xl/worksheets/sheet1.xml");
  zip_.write(head + "<worksheet xmlns=\"" + main + "\"><sheetData>");
  for (size_t c = 0; c < columns.size(); ++c)
    cell(static_cast<int>(c), " t=\"inlineStr\" s=\"3\"",
         "<is><t xml:space=\"preserve\">" + escaped(columns[c].name) + "</t></is>");
  end_row();
}

void XlsxWriter::cell(int column, const std::string& attributes, const std::string& content) {
  line_ += "<c r=\"" + column_name(static_cast<size_t>(column)) + std::to_string(row_) + "\"" +
           attributes + ">" + content + "</c>";
}

void XlsxWriter::missing(int) {}
void XlsxWriter::number(int column, double value) {
  if (std::isfinite(value)) cell(column, "", "<v>" + exact_number(value) + "</v>");
}
void XlsxWriter::text(int column, std::string_view value) {
  cell(column, " t=\"inlineStr\"",
       "<is><t xml:space=\"preserve\">" +
           escaped(value.substr(0, utf8_prefix(value, kMaxCellText))) + "</t></is>");
}
void XlsxWriter::date(int column, int64_t micros) {
  // Before March 1900 Excel's days are not those of the calendar.
  const double serial = static_cast<double>(micros) / static_cast<double>(kDay) + 25'569;
  if (serial < 61) return text(column, format_date({micros}));
  cell(column, micros % kDay == 0 ? " s=\"1\"" : " s=\"2\"", "<v>" + exact_number(serial) + "</v>");
}
void XlsxWriter::boolean(int column, bool value) {
  cell(column, " t=\"b\"", value ? "<v>1</v>" : "<v>0</v>");
}
void XlsxWriter::end_row() {
  zip_.write("<row r=\"" + std::to_string(row_) + "\">" + line_ + "</row>");
  line_.clear();
  ++row_;
}

std::string XlsxWriter::finish() {
  zip_.write("</sheetData></worksheet>");
  zip_.end();
  return zip_.finish();
}

}  // namespace tools::data
