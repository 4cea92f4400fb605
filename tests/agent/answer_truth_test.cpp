// How many false numbers of answers are named, and how many true ones: 120 questions over tables,
// answered by real queries and written as models write, in five registers; one figure of five is
// made wrong as models get them wrong. Seeds are fixed, so the figures are too.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>

#include "agent/answer_check.h"
#include "tests/model/folder.h"
#include "tools/toolbox/toolbox.h"

namespace agent {
namespace {

using Random = std::mt19937;

double between(Random& random, double low, double high) {
  return low + (high - low) * (static_cast<double>(random()) / 4294967296.0);
}
size_t below(Random& random, size_t n) { return random() % n; }

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string grouped(const std::string& number, char mark, char point) {
  const size_t dot = std::min(number.find('.'), number.size());
  std::string out;
  for (size_t i = 0; i < dot; ++i) {
    if (i > 0 && (dot - i) % 3 == 0 && mark != 0) out += mark;
    out += number[i];
  }
  if (dot < number.size()) out += point + number.substr(dot + 1);
  return out;
}

/// A number in an answer: digits between what stands around them.
struct Figure {
  std::string before = {}, core = {}, after = {};
  double value = 0;
  bool derived = false, signless = false;
  std::string said() const { return before + core + after; }
};

enum class Register { english, points, table, german, report };

/// A number as a model writes it.
Figure written(Random& random, Register style, double value, const std::string& unit,
               bool percent) {
  const bool german = style == Register::german;
  Figure f{.value = value};
  if (value < 0) f.before = below(random, 2) ? "-" : "\xe2\x88\x92";
  double x = std::abs(value);
  if (percent) {
    f.core = grouped(fixed(x, below(random, 3) ? 1 : 2), 0, german ? ',' : '.');
    f.after = german ? " %" : below(random, 2) ? "%" : " percent";
    return f;
  }
  const size_t way = below(random, 6);
  if (x >= 2e6 && way < 3) {
    f.core = grouped(fixed(x / 1e6, way == 0 ? 1 : 2), german ? '.' : ',', german ? ',' : '.');
    f.after = german ? " Mio." : way == 1 && unit.empty() ? "M" : " million";
  } else if (x >= 2e4 && way == 3) {
    f.core = grouped(fixed(x / 1e3, 1), german ? '.' : ',', german ? ',' : '.');
    f.after = german ? " Tsd." : unit.empty() ? "k" : " thousand";
  } else if (x >= 1000 && x == std::trunc(x) && way == 4 && style != Register::table) {
    const double step = std::pow(10, std::floor(std::log10(x)) - 1);
    f.before = (german ? "rund " : "about ") + f.before;
    f.core = grouped(fixed(std::round(x / step) * step, 0), german ? '.' : ',', german ? ',' : '.');
  } else {
    int decimals = x == std::trunc(x) ? 0
                   : x >= 1000        ? static_cast<int>(below(random, 3))
                                      : 1 + static_cast<int>(below(random, 2));
    if (x < 1 && x > 0 && decimals < 2) decimals = 2;
    const bool plain = style == Register::report && below(random, 2);
    f.core = grouped(fixed(x, decimals), plain ? 0 : german ? '.' : ',', german ? ',' : '.');
  }
  if (!unit.empty()) f.after += " " + unit;
  return f;
}

bool same_number(const std::string& a, const std::string& b) {
  std::string digits_a, digits_b;
  for (const char c : a)
    if (c >= '0' && c <= '9') digits_a += c;
  for (const char c : b)
    if (c >= '0' && c <= '9') digits_b += c;
  return digits_a == digits_b;
}

/// Makes a figure wrong. unseen: a value of the tables that no step showed.
void falsify(Random& random, Register style, Figure& f, double unseen, const std::string& unit,
             bool percent) {
  const Figure before = f;
  const std::string digits = "0123456789";
  for (int tries = 0; tries < 50 && (same_number(f.core, before.core) &&
                                     f.before == before.before && f.after == before.after);
       ++tries) {
    f = before;
    std::vector<size_t> at;
    for (size_t i = 0; i < f.core.size(); ++i)
      if (std::isdigit(static_cast<unsigned char>(f.core[i])) && (f.core[i] != '0' || i > 0))
        at.push_back(i);
    switch (below(random, 6)) {
      case 0:  // two digits change places
        if (at.size() > 1) {
          const size_t i = below(random, at.size() - 1);
          if (!(i == 0 && f.core[at[1]] == '0')) std::swap(f.core[at[i]], f.core[at[i + 1]]);
        }
        break;
      case 1: {  // one digit is another
        const size_t i = below(random, at.size());
        f.core[at[i]] = digits[1 + below(random, 9)];
        break;
      }
      case 2: {  // the last digit is off by one
        char& last = f.core[at.back()];
        if (f.before.find("about") == f.before.npos && f.before.find("rund") == f.before.npos &&
            at.size() > 1)
          last = last == '9' ? '8' : static_cast<char>(last + 1);
        break;
      }
      case 3:  // another row's value
        f = written(random, style, unseen, unit, percent);
        break;
      case 4:  // a thousand times as much
        if (percent || f.value == 0 || std::abs(f.value) < 1) break;
        if (f.after.starts_with(" million"))
          f.after.replace(0, 8, below(random, 2) ? " thousand" : " billion");
        else if (f.after.starts_with(" Mio."))
          f.after.replace(0, 5, below(random, 2) ? " Tsd." : " Mrd.");
        else
          f.after = (style == Register::german ? " Tsd." : " thousand") + f.after;
        if (f.after.find(" thousandk") != f.after.npos || f.after.find("M") == 0 ||
            f.after.find(" thousand thousand") == 0 || f.after.find("Tsd. Tsd.") != f.after.npos ||
            f.after.find("thousandM") != f.after.npos)
          f = before;
        break;
      default:  // its sign; of a difference and of "lower by" it is a matter of direction
        if (f.signless) break;
        if (f.value < 0) {
          const size_t sign = f.before.find_first_of("-\xe2");
          f.before = f.before.substr(0, sign);
        } else if (f.value > 0) {
          f.before += "-";
        }
    }
  }
}

/// 216.08 and 216.07 are both what 216.075 may be rounded to; 4,1 Mio. what 4,084,554 is.
bool wrong_by_rounding_alone(const Figure& f, const Figure& was) {
  if (f.before != was.before &&
      (f.before.find('-') != f.before.npos) != (was.before.find('-') != was.before.npos))
    return false;
  std::string digits;
  int decimals = 0;
  const size_t point = f.core.find_last_of(
      f.core.find('.') != f.core.npos && f.core.find(',') < f.core.find('.') ? "." : ",.");
  const bool grouped = point != f.core.npos && f.core.size() - point == 4 && f.core[0] != '0';
  for (size_t i = 0; i < f.core.size(); ++i)
    if (i == point && !grouped)
      digits += '.';
    else if (std::isdigit(static_cast<unsigned char>(f.core[i])))
      digits += f.core[i];
  if (point != f.core.npos && !grouped) decimals = static_cast<int>(f.core.size() - point - 1);
  // Of "about 30,300,000" the zeros are no claim.
  if (f.before.find("about") != f.before.npos || f.before.find("rund") != f.before.npos)
    for (size_t i = digits.size(); i-- > 0 && digits[i] == '0';) --decimals;
  double scale = 1;
  for (const auto& [word, factor] : {std::pair{"k", 1e3},
                                     {" thousand", 1e3},
                                     {" Tsd.", 1e3},
                                     {"M", 1e6},
                                     {" million", 1e6},
                                     {" Mio.", 1e6}})
    if (f.after.starts_with(word) && !f.after.starts_with(" kWh")) scale = factor;
  const double claimed = std::strtod(digits.c_str(), nullptr) * scale;
  return std::abs(claimed - std::abs(was.value)) <=
         0.5 * std::pow(10, -decimals) * scale * 1.000001;
}

struct Query {
  const char* sql;
  const char* file;
  const char* names;  ///< plural, of the first column
  const char* singular;
  const char* measure;
  const char* unit;
  bool percent = false;
};

// What is asked; the first column names, the second is the figure.
const Query kQueries[] = {
    {"SELECT shop, sum(amount) FROM 'sales.csv' GROUP BY shop ORDER BY 2 DESC", "sales.csv",
     "shops", "shop", "sales", "EUR"},
    {"SELECT product, sum(amount) FROM 'sales.csv' GROUP BY product ORDER BY 2 DESC", "sales.csv",
     "products", "product", "revenue", "EUR"},
    {"SELECT shop, round(avg(amount), 4) FROM 'sales.csv' GROUP BY shop ORDER BY 1", "sales.csv",
     "shops", "shop", "average sale", "EUR"},
    {"SELECT product, sum(units) FROM 'sales.csv' GROUP BY product ORDER BY 2 DESC", "sales.csv",
     "products", "product", "units", ""},
    {"SELECT strftime(day, '%Y-%m'), sum(amount) FROM 'sales.csv' GROUP BY 1 ORDER BY 1",
     "sales.csv", "months", "month", "sales", "EUR"},
    {"SELECT shop, count(*) FROM 'sales.csv' GROUP BY shop ORDER BY 2 DESC", "sales.csv", "shops",
     "shop", "number of orders", ""},
    {"SELECT shop, 100 * sum(amount) / (SELECT sum(amount) FROM 'sales.csv') FROM 'sales.csv' "
     "GROUP BY shop ORDER BY 2 DESC",
     "sales.csv", "shops", "shop", "share of sales", "", true},
    {"SELECT shop, sum(amount) / (SELECT sum(amount) FROM 'sales.csv') FROM 'sales.csv' GROUP BY "
     "shop ORDER BY 2",
     "sales.csv", "shops", "shop", "share of the total", "", true},
    {"SELECT product, max(amount) FROM 'sales.csv' WHERE units > 3 GROUP BY product ORDER BY 1",
     "sales.csv", "products", "product", "largest sale", "EUR"},
    {"SELECT shop, median(amount) FROM 'sales.csv' GROUP BY shop ORDER BY 2 DESC", "sales.csv",
     "shops", "shop", "median sale", "EUR"},
    {"SELECT site, sum(kwh) FROM 'energy.csv' GROUP BY site ORDER BY 2 DESC", "energy.csv", "sites",
     "site", "consumption", "kWh"},
    {"SELECT site, sum(cost_eur) FROM 'energy.csv' GROUP BY site ORDER BY 2 DESC", "energy.csv",
     "sites", "site", "cost", "EUR"},
    {"SELECT site, sum(cost_eur) / sum(kwh) FROM 'energy.csv' GROUP BY site ORDER BY 2",
     "energy.csv", "sites", "site", "price", "EUR"},
    {"SELECT month, sum(kwh) FROM 'energy.csv' GROUP BY month ORDER BY month", "energy.csv",
     "months", "month", "consumption", "kWh"},
    {"SELECT month, avg(cost_eur) FROM 'energy.csv' GROUP BY month ORDER BY month", "energy.csv",
     "months", "month", "mean cost", "EUR"},
    {"SELECT site, 100.0 * (max(kwh) - min(kwh)) / min(kwh) FROM 'energy.csv' GROUP BY site ORDER "
     "BY 1",
     "energy.csv", "sites", "site", "spread of use", "", true},
    {"SELECT department, avg(salary) FROM 'staff.csv' GROUP BY department ORDER BY 2 DESC",
     "staff.csv", "departments", "department", "mean salary", ""},
    {"SELECT department, count(*) FROM 'staff.csv' GROUP BY department ORDER BY 2 DESC",
     "staff.csv", "departments", "department", "headcount", ""},
    {"SELECT city, sum(salary) FROM 'staff.csv' GROUP BY city ORDER BY 2 DESC", "staff.csv",
     "cities", "city", "payroll", ""},
    {"SELECT city, avg(age) FROM 'staff.csv' GROUP BY city ORDER BY 2", "staff.csv", "cities",
     "city", "average age", ""},
    {"SELECT department, median(salary) FROM 'staff.csv' GROUP BY department ORDER BY 1",
     "staff.csv", "departments", "department", "median salary", ""},
    {"SELECT department, stddev(salary) FROM 'staff.csv' GROUP BY department ORDER BY 1",
     "staff.csv", "departments", "department", "standard deviation", ""},
    {"SELECT station, min(temp_c) FROM 'weather.csv' GROUP BY station ORDER BY 2", "weather.csv",
     "stations", "station", "lowest temperature", ""},
    {"SELECT station, avg(temp_c) FROM 'weather.csv' GROUP BY station ORDER BY 2", "weather.csv",
     "stations", "station", "mean temperature", ""},
    {"SELECT station, sum(rain_mm) FROM 'weather.csv' GROUP BY station ORDER BY 2 DESC",
     "weather.csv", "stations", "station", "rain", "mm"},
    {"SELECT strftime(day, '%Y-%m'), avg(temp_c) FROM 'weather.csv' GROUP BY 1 ORDER BY 1",
     "weather.csv", "months", "month", "mean temperature", ""},
    {"SELECT station, 100.0 * count(*) FILTER (rain_mm > 0) / count(*) FROM 'weather.csv' GROUP BY "
     "1 ORDER BY 2",
     "weather.csv", "stations", "station", "share of wet days", "", true},
    {"SELECT region, sum(revenue) FROM 'accounts.csv' GROUP BY region ORDER BY 2 DESC",
     "accounts.csv", "regions", "region", "revenue", ""},
    {"SELECT region, sum(profit) FROM 'accounts.csv' GROUP BY region ORDER BY 2", "accounts.csv",
     "regions", "region", "profit", ""},
    {"SELECT year, sum(revenue) FROM 'accounts.csv' GROUP BY year ORDER BY year", "accounts.csv",
     "years", "year", "revenue", ""},
    {"SELECT year, sum(profit) FROM 'accounts.csv' GROUP BY year ORDER BY year", "accounts.csv",
     "years", "year", "profit", ""},
    {"SELECT region, 100 * sum(profit) / sum(revenue) FROM 'accounts.csv' GROUP BY region ORDER BY "
     "2",
     "accounts.csv", "regions", "region", "margin", "", true},
    {"SELECT region, profit FROM 'accounts.csv' WHERE year = 2023 ORDER BY profit", "accounts.csv",
     "regions", "region", "profit of 2023", ""},
    {"SELECT depot, sum(weight_kg) FROM 'parcels.csv' GROUP BY depot ORDER BY 2 DESC",
     "parcels.csv", "depots", "depot", "weight", "kg"},
    {"SELECT depot, avg(weight_kg) FROM 'parcels.csv' GROUP BY depot ORDER BY 1", "parcels.csv",
     "depots", "depot", "mean weight", "kg"},
    {"SELECT depot, avg(delivery_min) FROM 'parcels.csv' GROUP BY depot ORDER BY 2", "parcels.csv",
     "depots", "depot", "delivery time", "min"},
    {"SELECT depot, count(*) FROM 'parcels.csv' GROUP BY depot ORDER BY 2 DESC", "parcels.csv",
     "depots", "depot", "parcels", ""},
    {"SELECT depot, max(delivery_min) FROM 'parcels.csv' GROUP BY depot ORDER BY 2 DESC",
     "parcels.csv", "depots", "depot", "longest delivery", "min"},
    {"SELECT depot, sum(weight_kg) / 1000 FROM 'parcels.csv' GROUP BY depot ORDER BY 2 DESC",
     "parcels.csv", "depots", "depot", "weight", "t"},
    {"SELECT depot, 100.0 * count(*) / (SELECT count(*) FROM 'parcels.csv') FROM 'parcels.csv' "
     "GROUP BY depot ORDER BY 2",
     "parcels.csv", "depots", "depot", "share of parcels", "", true},
};

class AnswerTruth : public testing::Test {
 protected:
  void SetUp() override { write_tables(); }

  void write_tables() {
    Random random(7);
    const auto file = [&](const char* name) { return std::ofstream(folder_ / name); };
    const auto day = [&](int days) {
      const int d = static_cast<int>(below(random, static_cast<size_t>(days)));
      char text[32];
      std::snprintf(text, sizeof text, "2024-%02d-%02d", 1 + d / 28, 1 + d % 28);
      return std::string(text);
    };
    const char* shops[] = {"Bern", "Chur", "Basel", "Luzern", "Thun", "Zug"};
    const char* products[] = {"tea", "coffee", "bread", "cheese", "milk", "jam", "honey", "oil"};
    std::ofstream sales = file("sales.csv");
    sales << "shop,product,amount,units,day\n";
    for (int i = 0; i < 600; ++i)
      sales << shops[below(random, 6)] << ',' << products[below(random, 8)] << ','
            << fixed(between(random, 2, 480), 2) << ',' << 1 + below(random, 9) << ',' << day(168)
            << '\n';
    std::ofstream energy = file("energy.csv");
    energy << "site,month,kwh,cost_eur\n";
    for (const char* site : {"North", "South", "East", "West", "Harbour"})
      for (int month = 1; month <= 12; ++month)
        energy << site << ",2023-" << (month < 10 ? "0" : "") << month << ','
               << 4000 + below(random, 90000) << ',' << fixed(between(random, 900, 21000), 2)
               << '\n';
    std::ofstream staff = file("staff.csv");
    staff << "name,department,salary,age,city\n";
    const char* departments[] = {"Sales", "IT", "Legal", "Finance", "Support"};
    for (int i = 0; i < 260; ++i)
      staff << "P" << i << ',' << departments[below(random, 5)] << ','
            << 38000 + below(random, 90000) << ',' << 20 + below(random, 45) << ','
            << shops[below(random, 6)] << '\n';
    std::ofstream weather = file("weather.csv");
    weather << "station,day,temp_c,rain_mm\n";
    for (const char* station : {"Davos", "Sion", "Genf", "Arosa"})
      for (int i = 0; i < 90; ++i)
        weather << station << ',' << day(168) << ',' << fixed(between(random, -19, 24), 1) << ','
                << fixed(below(random, 3) ? between(random, 0.1, 40) : 0, 1) << '\n';
    std::ofstream accounts = file("accounts.csv");
    accounts << "region,year,revenue,profit\n";
    for (const char* region : {"Alps", "Coast", "Plains", "Islands", "Valleys", "Metro"})
      for (int year = 2019; year <= 2024; ++year)
        accounts << region << ',' << year << ',' << 2000000 + below(random, 480000000) << ','
                 << static_cast<int>(below(random, 40000000)) - 17000000 << '\n';
    std::ofstream parcels = file("parcels.csv");
    parcels << "depot,weight_kg,delivery_min\n";
    for (int i = 0; i < 700; ++i)
      parcels << "ABCDEFG"[below(random, 7)] << ',' << fixed(between(random, 0.2, 31), 2) << ','
              << 12 + below(random, 2400) << '\n';
  }

  struct Rows {
    std::string text;
    std::vector<std::string> names = {};
    std::vector<double> values = {};
  };
  static Rows rows_of(const std::string& csv) {
    Rows rows{.text = csv};
    size_t line = 0;
    for (size_t begin = 0; begin < csv.size(); ++line) {
      const size_t end = std::min(csv.find('\n', begin), csv.size()), comma = csv.find(',', begin);
      if (line > 0 && comma < end) {
        rows.names.push_back(csv.substr(begin, comma - begin));
        rows.values.push_back(std::strtod(csv.c_str() + comma + 1, nullptr));
      }
      begin = end + 1;
    }
    return rows;
  }

  const TestFolder made_;
  const std::filesystem::path& folder_ = made_.path();
};

struct Answer {
  std::vector<std::string> texts;  ///< before each figure, and at the end
  std::vector<Figure> figures;
  std::string said() const {
    std::string out = texts[0];
    for (size_t i = 0; i < figures.size(); ++i) out += figures[i].said() + texts[i + 1];
    return out;
  }
};

Answer answered(Random& random, const Query& q, Register style,
                const std::vector<std::string>& names, const std::vector<double>& values) {
  const double percent =
      q.percent && std::abs(values[0]) <= 1 && std::abs(values.back()) <= 1 ? 100 : 1;
  const auto figure = [&](size_t i) {
    return written(random, style, values[i] * percent, q.unit, q.percent);
  };
  Answer a;
  std::string text;
  const auto put = [&](Figure f) {
    a.texts.push_back(std::exchange(text, ""));
    a.figures.push_back(std::move(f));
  };
  std::vector<size_t> order(values.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  const size_t n = std::min<size_t>(values.size(), 5);
  const std::string measure = q.measure;
  const auto derived = [&](double value, bool as_percent, const std::string& unit) {
    Figure f = written(random, Register::english, value, unit, as_percent);
    if (style == Register::report && f.before.starts_with("about")) f.before = "";
    f.derived = true;
    f.signless = as_percent;
    put(f);
  };
  switch (style) {
    case Register::english:
      text = "Here is the " + measure + " per " + q.singular + ". ";
      for (size_t k = 0; k < n; ++k) {
        text += k == 0       ? names[order[k]] + " has a " + measure + " of "
                : k + 1 == n ? ", and " + names[order[k]] + " "
                             : ", " + names[order[k]] + " ";
        put(figure(order[k]));
      }
      text += ".";
      break;
    case Register::points:
      text = "**" + measure + "** by " + q.singular + ":\n\n";
      for (size_t k = 0; k < n; ++k) {
        text += "- **" + names[order[k]] + "**: ";
        put(figure(order[k]));
        text += "\n";
      }
      text += "\nThe list is sorted by no column.";
      break;
    case Register::table:
      text = "| # | " + std::string(q.singular) + " | " + measure + " |\n|---|---|---:|\n";
      for (size_t k = 0; k < n; ++k) {
        text += "| " + std::to_string(k + 1) + " | " + names[order[k]] + " | ";
        put(figure(order[k]));
        text += " |\n";
      }
      break;
    case Register::german:
      text = "Das ist die Auswertung der Datei " + std::string(q.file) + ". ";
      for (size_t k = 0; k < n; ++k) {
        text += (k == 0       ? "Bei "
                 : k + 1 == n ? " und bei "
                              : ", bei ") +
                names[order[k]] + (k == 0 ? " liegt der Wert bei " : " bei ");
        put(figure(order[k]));
      }
      text += ".";
      break;
    case Register::report: {
      // Two figures and what follows from them.
      const size_t i = order[0], j = order[1];
      const double a_value = values[i] * percent, b_value = values[j] * percent;
      text = "In " + std::string(q.file) + " there are " + std::to_string(values.size()) + " " +
             q.names + ". The " + measure + " of " + names[i] + " is ";
      put(figure(i));
      text = ", that of " + names[j] + " is ";
      put(figure(j));
      if (q.percent) {
        text = ", a difference of ";
        Figure f = written(random, style, std::abs(a_value - b_value), "", true);
        f.after = " percentage points";
        f.derived = f.signless = true;
        put(f);
      } else if (a_value > 0 && b_value > 0) {
        text = a_value > b_value ? ", so the first is higher by " : ", so the first is lower by ";
        derived(std::abs(a_value - b_value), false, q.unit);
        text += ", or ";
        derived(std::abs(a_value / b_value - 1) * 100, true, "");
      }
      text += ".";
      for (size_t k = 2; k < n; ++k) {
        text += " For " + names[order[k]] + " it is ";
        put(figure(order[k]));
        text += ".";
      }
      break;
    }
  }
  a.texts.push_back(text);
  return a;
}

TEST_F(AnswerTruth, FalseNumbersAreNamedAndTrueOnesAreNot) {
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = folder_, .policy = *policies::builtin("default")});
  ASSERT_TRUE(toolbox) << toolbox.error().message;
  const base::Result<std::vector<tools::FileProfile>> profiles = toolbox->profile(
      {"accounts.csv", "energy.csv", "parcels.csv", "sales.csv", "staff.csv", "weather.csv"}, {});
  ASSERT_TRUE(profiles) << profiles.error().message;
  std::vector<Rows> results;
  for (const Query& q : kQueries) {
    const base::Result<tools::DataAnswer> answer = toolbox->data_query(q.sql, "csv", {});
    ASSERT_TRUE(answer) << answer.error().message;
    ASSERT_EQ(answer->error, "") << q.sql;
    results.push_back(rows_of(answer->text));
    ASSERT_GE(results.back().values.size(), 4u) << answer->text;
  }
  int questions = 0, n_true = 0, n_false = 0, flagged_true = 0, flagged_false = 0;
  for (uint32_t round = 0; round < 5; ++round) {
    Random random(200 + round);
    for (int number = 0; number < 120; ++number, ++questions) {
      const size_t at = static_cast<size_t>(number) % std::size(kQueries);
      const Query& q = kQueries[at];
      const auto style =
          static_cast<Register>((number + number / 40 + static_cast<int>(round)) % 5);
      SeenNumbers seen;
      for (const tools::FileProfile& profile : *profiles) {
        seen.add(0, profile.path);
        seen.add(0, profile.text);
      }
      seen.add(0, std::string("what is the ") + q.measure + " per " + q.singular + "?");
      // An earlier step of another question, then this one's.
      seen.add(1, results[(at + 7) % results.size()].text);
      seen.add(2, results[at].text);
      seen.add_parameters(q.sql);
      Answer answer = answered(random, q, style, results[at].names, results[at].values);
      std::vector<bool> wrong(answer.figures.size());
      bool any_wrong_operand = false;
      for (size_t i = 0; i < answer.figures.size(); ++i) {
        if (below(random, 5) != 0) continue;
        Figure& f = answer.figures[i];
        const Figure was = f;
        falsify(random, style, f, f.value * between(random, 0.3, 2.7), q.unit, q.percent);
        wrong[i] = f.said() != was.said();
        if (wrong[i] && wrong_by_rounding_alone(f, was)) {
          f = was;
          wrong[i] = false;
        }
        any_wrong_operand = any_wrong_operand || (wrong[i] && i < 2);
      }
      const AnswerTrace trace = seen.trace(answer.said());
      for (size_t i = 0; i < answer.figures.size(); ++i) {
        const Figure& f = answer.figures[i];
        const bool flagged =
            std::find(trace.missing.begin(), trace.missing.end(), f.core) != trace.missing.end();
        bool alike = false;  // a wrong figure with the same digits
        for (size_t k = 0; k < answer.figures.size(); ++k)
          alike = alike || (wrong[k] && k != i && answer.figures[k].core == f.core);
        if (!wrong[i] && (alike || (f.derived && any_wrong_operand))) continue;
        ++(wrong[i] ? n_false : n_true);
        if (flagged) ++(wrong[i] ? flagged_false : flagged_true);
        if (flagged == wrong[i]) continue;
        std::string how;
        for (const TracedNumber& traced : trace.traced)
          if (traced.number.ends_with(f.core))
            how = traced.how + " " + std::to_string(traced.value) + " of step " +
                  std::to_string(traced.step);
        if (how.empty())
          for (const std::string& one : trace.missing) how += " missing " + one;
        std::printf("%s \"%s\" (%.10g; %s) in: %s\n",
                    wrong[i] ? "not named:" : "named:", f.said().c_str(), f.value, how.c_str(),
                    answer.said().c_str());
      }
    }
  }
  const double named = 100.0 * flagged_false / n_false, disturbed = 100.0 * flagged_true / n_true;
  std::printf(
      "%d questions: %d of %d false figures named (%.2f %%), %d of %d true ones (%.2f %%)\n",
      questions, flagged_false, n_false, named, flagged_true, n_true, disturbed);
  EXPECT_GE(n_false, 500);
  EXPECT_GE(named, 99.0);
  EXPECT_LE(disturbed, 2.0);
}

}  // namespace
}  // namespace agent
