// The manual page, from what the program says of itself and a few sections that only a manual has.
#include <cstdio>

#include "cli/describe.h"

namespace cli {
namespace {

constexpr const char* kRevised = "2026-11-28";  // of the sections below; else builds would differ

/// Text as troff prints it: what it would read as a request or an escape is quoted.
std::string quoted(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\n') {
      out += ' ';
    } else if ((c == '.' || c == '\'') && i == 0) {
      out += std::string("\\&") + text[i];
    } else if (c >= 0xc0) {
      const int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
      unsigned code = c & (0x3fu >> more);
      for (int k = 0; k < more && i + 1 < text.size(); ++k)
        code = code << 6 | (static_cast<unsigned char>(text[++i]) & 0x3fu);
      char name[16];
      std::snprintf(name, sizeof name, "\\[u%04X]", code);
      out += name;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string option_line(const OptionText& o) {
  std::string line;
  for (const std::string& name : o.names) {
    if (!line.empty()) line += ", ";
    line += o.argument ? "\\fI" + quoted(name) + "\\fR" : "\\fB" + quoted(name) + "\\fR";
  }
  if (!o.argument && !o.value.empty()) line += " \\fI" + quoted(o.value) + "\\fR";
  return line;
}

std::string synopsis(const CommandText& c) {
  std::string line = "\\fB" + quoted(c.path) + "\\fR";
  if (!c.commands.empty()) return line + " \\fICOMMAND\\fR \\&...";
  for (const OptionText& o : c.options)
    if (!o.argument && o.required)
      line += " \\fB" + quoted(o.names.back()) + "\\fR \\fI" + quoted(o.value) + "\\fR";
  line += " [\\fIOPTION\\fR \\&...]";
  for (const OptionText& o : c.options)
    if (o.argument)
      line += " " + std::string(o.required ? "" : "[") + "\\fI" + quoted(o.names[0]) + "\\fR" +
              (o.required ? "" : "]");
  return line;
}

std::string entry(const std::string& tag, const std::string& text) {
  return ".TP\n" + tag + "\n" + text + "\n";
}

constexpr const char* kMore = R"(.SH EXIT STATUS
.TP
0
done
.TP
1
an internal error
.TP
2
bad usage or input
.TP
3
refused, by the policy or by you
.TP
4
a budget was used up
.TP
5
the model cannot be had, or failed
.TP
6
a tool failed, or the sandbox cannot be put up
.PP
\fBtessera sandbox\fR exits with the code of the program it ran; 124 after a time\-out, 125 if nothing was run, 137 when a
limit ended it.
.SH ENVIRONMENT
.TP
\fBXDG_CACHE_HOME\fR
weights are kept in \fItessera/models\fR below it (else below \fI~/.cache\fR)
.TP
\fBXDG_CONFIG_HOME\fR
policies, skills and hooks are read from \fItessera\fR below it (else below \fI~/.config\fR)
.TP
\fBTESSERA_LAUNCHER\fR, \fBTESSERA_WORKER\fR, \fBTESSERA_DUCKDB\fR, \fBTESSERA_VEGA\fR
other places of the program's own parts
.SH FILES
.TP
\fI.tessera/\fR
in a workspace: the journal that \fBtessera undo\fR reads, and transcripts of runs
.SH EXAMPLES
.nf
tessera doctor
tessera model get gemma\-3\-270m
tessera examples names
tessera run \-\-workspace names "Compare the top 10 girl names of 2024 and 2025 in a chart"
.fi
)";

}  // namespace

std::string man_page(const std::vector<CommandText>& commands) {
  std::string page =
      std::string(".TH TESSERA 1 ") + kRevised + " \"tessera " TESSERA_VERSION "\"\n" +
      ".SH NAME\ntessera \\- a private agent for data, charts and files\n"
      ".SH SYNOPSIS\n\\fBtessera\\fR \\fICOMMAND\\fR \\&...\n"
      ".SH DESCRIPTION\n"
      "You say what you want to know; a small model on this machine plans and writes a "
      "script, the script runs in\na sandbox without network, and the answer uses only "
      "numbers that the script printed.\n.SH COMMANDS\n";
  for (const CommandText& c : commands) {
    if (c.path.find(' ') == c.path.npos) continue;
    page += ".SS " + quoted(c.path) + "\n" + quoted(c.description) + "\n";
    page += ".PP\n" + synopsis(c) + "\n";
    for (const OptionText& o : c.options) {
      std::string text = quoted(o.description);
      if (!o.choices.empty()) {
        text += " (";
        for (const std::string& choice : o.choices)
          text += (&choice == &o.choices.front() ? "" : ", ") + quoted(choice);
        text += ")";
      }
      page += entry(option_line(o), text.empty() ? "\\&" : text);
    }
  }
  return page + kMore;
}

}  // namespace cli
