// The table function is the way in for all but Parquet, which DuckDB reads itself: bind() declares
// the columns of a Source, init() starts a Cursor over the columns a query needs, scan() lets it
// fill one chunk after the other. It runs on one thread, so the rows keep their order, and the
// column r numbers them; all SQL of table.cpp orders by r.
//
// DuckDB reports its failures as text; our callbacks must not throw through it. The looked-up
// functions are one per process, as the library itself is, so that the callbacks can reach them.

#include "tools/data/engine.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tools/data/duckdb_api.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;
using duck::Handle;
using duck::idx_t;

constexpr int kChunkRows = 2048;

duck::Api& api() {
  static duck::Api functions;
  return functions;
}

duck::TypeId duck_type(Type type) {
  switch (type) {
    case Type::number:
      return duck::kDouble;
    case Type::date:
      return duck::kTimestamp;
    case Type::boolean:
      return duck::kBoolean;
    case Type::text:
    case Type::empty:
      break;
  }
  return duck::kVarchar;
}

using Registry = std::vector<std::shared_ptr<const Source>>;

struct Bound {
  std::shared_ptr<const Source> source;
};

// A scan in progress: the sink of its cursor is the chunk being filled.
class Scan : public CellSink {
 public:
  base::Status start(std::shared_ptr<const Source> source, const std::vector<idx_t>& projected) {
    source_ = std::move(source);
    std::vector<int> wanted;
    for (size_t place = 0; place < projected.size(); ++place) {
      if (projected[place] < source_->columns().size()) {
        wanted.push_back(static_cast<int>(projected[place]));
        places_.push_back(place);
      } else if (projected[place] == source_->columns().size()) {
        row_places_.push_back(place);
      }
    }
    base::Result<std::unique_ptr<Cursor>> cursor = source_->start(std::move(wanted));
    if (!cursor) return cursor.error();
    cursor_ = std::move(*cursor);
    return base::Ok{};
  }

  base::Status fill(Handle chunk) {
    lanes_.clear();
    for (const idx_t place : places_) {
      Handle vector = api().data_chunk_get_vector(chunk, place);
      lanes_.push_back({vector, api().vector_get_data(vector), nullptr});
    }
    row_ = 0;
    base::Result<int> n = cursor_->next(*this, kChunkRows);
    if (!n) return n.error();
    for (const idx_t place : row_places_) {
      auto* numbers =
          static_cast<int64_t*>(api().vector_get_data(api().data_chunk_get_vector(chunk, place)));
      for (int i = 0; i < *n; ++i) numbers[i] = static_cast<int64_t>(first_row_) + i;
    }
    first_row_ += static_cast<uint64_t>(*n);
    api().data_chunk_set_size(chunk, static_cast<idx_t>(*n));
    return base::Ok{};
  }

  void missing(int column) override {
    Lane& lane = lanes_[static_cast<size_t>(column)];
    if (!lane.validity) {
      api().vector_ensure_validity_writable(lane.vector);
      lane.validity = api().vector_get_validity(lane.vector);
    }
    lane.validity[row_ / 64] &= ~(uint64_t{1} << (row_ % 64));
  }
  void number(int column, double value) override { put(column, value); }
  void text(int column, std::string_view value) override {
    api().vector_assign_string_element_len(lanes_[static_cast<size_t>(column)].vector, row_,
                                           value.data(), value.size());
  }
  void date(int column, int64_t micros) override { put(column, micros); }
  void boolean(int column, bool value) override { put(column, value); }
  void end_row() override { ++row_; }

 private:
  struct Lane {
    Handle vector;
    void* data;
    uint64_t* validity;
  };
  template <class T>
  void put(int column, T value) {
    static_cast<T*>(lanes_[static_cast<size_t>(column)].data)[row_] = value;
  }

  std::shared_ptr<const Source> source_;
  std::unique_ptr<Cursor> cursor_;
  std::vector<idx_t> places_;      // [wanted columns] column of the chunk
  std::vector<idx_t> row_places_;  // columns of the chunk that hold row numbers
  std::vector<Lane> lanes_;
  uint64_t first_row_ = 0;
  idx_t row_ = 0;
};

void bind_source(Handle info) {
  const auto& registry = *static_cast<Registry*>(api().bind_get_extra_info(info));
  Handle value = api().bind_get_parameter(info, 0);
  const int64_t id = api().get_int64(value);
  api().destroy_value(&value);
  if (id < 0 || static_cast<size_t>(id) >= registry.size())
    return api().bind_set_error(info, "no such source");
  const std::shared_ptr<const Source>& source = registry[static_cast<size_t>(id)];
  const auto add = [&](const std::string& name, duck::TypeId type_id) {
    Handle type = api().create_logical_type(type_id);
    api().bind_add_result_column(info, name.c_str(), type);
    api().destroy_logical_type(&type);
  };
  for (size_t i = 0; i < source->columns().size(); ++i)
    add("c" + std::to_string(i), duck_type(source->columns()[i].type));
  add("r", duck::kBigint);
  api().bind_set_cardinality(info, source->rows(), true);
  api().bind_set_bind_data(info, new Bound{source}, [](void* p) { delete static_cast<Bound*>(p); });
}

void init_scan(Handle info) {
  const auto* bound = static_cast<Bound*>(api().init_get_bind_data(info));
  std::vector<idx_t> projected(api().init_get_column_count(info));
  for (size_t i = 0; i < projected.size(); ++i) projected[i] = api().init_get_column_index(info, i);
  auto scan = std::make_unique<Scan>();
  if (base::Status ok = scan->start(bound->source, projected); !ok)
    return api().init_set_error(info, ok.error().message.c_str());
  api().init_set_max_threads(info, 1);
  api().init_set_init_data(info, scan.release(), [](void* p) { delete static_cast<Scan*>(p); });
}

void run_scan(Handle info, Handle chunk) {
  auto* scan = static_cast<Scan*>(api().function_get_init_data(info));
  if (base::Status ok = scan->fill(chunk); !ok)
    api().function_set_error(info, ok.error().message.c_str());
}

std::string_view text_at(const duck::String& s) {
  return s.inlined.length <= 12 ? std::string_view(s.inlined.data, s.inlined.length)
                                : std::string_view(s.pointer.data, s.pointer.length);
}

Cell cell_at(Type type, const void* data, idx_t row) {
  switch (type) {
    case Type::number:
      return static_cast<const double*>(data)[row];
    case Type::date:
      return Date{static_cast<const int64_t*>(data)[row]};
    case Type::boolean:
      return static_cast<const bool*>(data)[row];
    case Type::text:
      return std::string(text_at(static_cast<const duck::String*>(data)[row]));
    case Type::empty:
      break;
  }
  return {};
}

void send_cell(CellSink& sink, int column, Type type, const void* data, const uint64_t* validity,
               idx_t row) {
  if (type == Type::empty || (validity && !(validity[row / 64] >> (row % 64) & 1)))
    return sink.missing(column);
  switch (type) {
    case Type::number:
      return sink.number(column, static_cast<const double*>(data)[row]);
    case Type::date:
      return sink.date(column, static_cast<const int64_t*>(data)[row]);
    case Type::boolean:
      return sink.boolean(column, static_cast<const bool*>(data)[row]);
    case Type::text:
    case Type::empty:
      return sink.text(column, text_at(static_cast<const duck::String*>(data)[row]));
  }
}

// DuckDB may open files of the workspace only (Parquet; everything else comes through Sources), and
// nothing can be set after this. The folders are those of workspace.h, as they are now.
std::vector<std::string> lock_statements() {
  std::string folders;
  std::error_code ignored;
  const auto add = [&](const std::filesystem::path& folder) {
    std::string quoted;
    for (const char ch : folder.string())
      quoted += ch == '\'' ? std::string("''") : std::string(1, ch);
    folders += (folders.empty() ? "'" : ", '") + quoted + "'";
  };
  add(std::filesystem::current_path(ignored));
  if (const char* out = std::getenv("TESSERA_OUT")) add(std::filesystem::canonical(out, ignored));
  return {"SET allowed_directories = [" + folders + "]", "SET enable_external_access = false",
          "SET lock_configuration = true"};
}

// DuckDB's own words hold SQL, which nobody who reads our errors wrote.
Error translate(const char* message) {
  const std::string text = message ? message : "no message";
  if (text.find("Out of Memory") != text.npos || text.find("out of memory") != text.npos ||
      text.find("failed to allocate") != text.npos || text.find("bad_alloc") != text.npos)
    return {Errc::limit, "the data needs more memory than is allowed; keep fewer rows or columns"};
  if (text.find("changed while it was read") != text.npos)
    return {Errc::corrupt, "a file changed while it was read"};
  return {Errc::internal, text.substr(0, text.find('\n'))};
}

}  // namespace

struct Engine::Database {
  Handle database = nullptr;
  Handle connection = nullptr;
  Registry sources;
  bool loaded = false;

  ~Database() {
    if (connection) api().disconnect(&connection);
    if (database) api().close(&database);
  }
};

Engine::Engine(std::string library)
    : library_(std::move(library)), database_(std::make_unique<Database>()) {}
Engine::~Engine() = default;

base::Status Engine::open() {
  if (database_->connection) return base::Ok{};
  if (!database_->loaded) {
    void* library = ::dlopen(library_.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (!library)
      return Error{Errc::system, "cannot load DuckDB from \"" + library_ +
                                     "\"; run setup/fetch-duckdb or set TESSERA_DUCKDB"};
#define TESSERA_DUCKDB_LOOKUP(type, name, parameters)                                     \
  api().name = reinterpret_cast<decltype(api().name)>(::dlsym(library, "duckdb_" #name)); \
  if (!api().name) return Error{Errc::system, library_ + ": no function duckdb_" #name};
    TESSERA_DUCKDB_API(TESSERA_DUCKDB_LOOKUP)
#undef TESSERA_DUCKDB_LOOKUP
    database_->loaded = true;
  }
  Handle config = nullptr;
  if (api().create_config(&config) != duck::kSuccess)
    return Error{Errc::internal, "DuckDB: no configuration"};
  constexpr const char* kOptions[][2] = {
      {"memory_limit", "512MB"},
      {"threads", "2"},
      {"temp_directory", ""},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"allow_community_extensions", "false"},
  };
  for (const auto& [name, value] : kOptions)
    if (api().set_config(config, name, value) != duck::kSuccess) {
      api().destroy_config(&config);
      return Error{Errc::internal, std::string("DuckDB: no option ") + name};
    }
  char* error = nullptr;
  const bool opened =
      api().open_ext(":memory:", &database_->database, config, &error) == duck::kSuccess;
  api().destroy_config(&config);
  if (!opened) {
    Error failed{Errc::internal, std::string("DuckDB: ") + (error ? error : "cannot open")};
    if (error) api().free(error);
    return failed;
  }
  if (api().connect(database_->database, &database_->connection) != duck::kSuccess)
    return Error{Errc::internal, "DuckDB: cannot connect"};
  const bool used = used_;
  for (const std::string& sql : lock_statements()) {
    base::Status ok = execute(sql);
    if (ok) continue;
    // Never an engine without its lock.
    api().disconnect(&database_->connection);
    api().close(&database_->database);
    return ok.error();
  }
  used_ = used;
  Handle function = api().create_table_function();
  api().table_function_set_name(function, "tessera");
  Handle bigint = api().create_logical_type(duck::kBigint);
  api().table_function_add_parameter(function, bigint);
  api().destroy_logical_type(&bigint);
  api().table_function_set_extra_info(function, &database_->sources, [](void*) {});
  api().table_function_set_bind(function, bind_source);
  api().table_function_set_init(function, init_scan);
  api().table_function_set_function(function, run_scan);
  api().table_function_supports_projection_pushdown(function, true);
  const bool registered =
      api().register_table_function(database_->connection, function) == duck::kSuccess;
  api().destroy_table_function(&function);
  if (!registered) return Error{Errc::internal, "DuckDB: cannot register a table function"};
  return base::Ok{};
}

void Engine::preload() { (void)open(); }

int Engine::add(std::shared_ptr<const Source> source) {
  used_ = true;
  database_->sources.push_back(std::move(source));
  return static_cast<int>(database_->sources.size()) - 1;
}

base::Result<Rows> Engine::query(const std::string& sql, const std::vector<Type>& types) {
  used_ = true;
  if (base::Status ok = open(); !ok) return ok.error();
  duck::Result result{};
  if (api().query(database_->connection, sql.c_str(), &result) != duck::kSuccess) {
    const char* message = api().result_error(&result);
    last_message_ = message ? message : "";
    Error error = translate(message);
    api().destroy_result(&result);
    return error;
  }
  Rows rows;
  rows.columns.resize(types.size());
  const bool fits = types.empty() || api().column_count(&result) == types.size();
  while (fits && !types.empty()) {
    Handle chunk = api().fetch_chunk(result);
    if (!chunk) break;
    const idx_t n = api().data_chunk_get_size(chunk);
    if (n == 0) {
      api().destroy_data_chunk(&chunk);
      break;
    }
    for (size_t c = 0; c < types.size(); ++c) {
      Handle vector = api().data_chunk_get_vector(chunk, c);
      const void* data = api().vector_get_data(vector);
      const uint64_t* validity = api().vector_get_validity(vector);
      for (idx_t row = 0; row < n; ++row) {
        const bool known = !validity || (validity[row / 64] >> (row % 64) & 1);
        rows.columns[c].push_back(known ? cell_at(types[c], data, row) : Cell());
      }
    }
    rows.count += n;
    api().destroy_data_chunk(&chunk);
  }
  api().destroy_result(&result);
  if (!fits) return Error{Errc::internal, "DuckDB: unexpected number of columns"};
  return rows;
}

base::Status Engine::stream(const std::string& sql, const std::vector<Type>& types,
                            CellSink& sink) {
  used_ = true;
  if (base::Status ok = open(); !ok) return ok.error();
  Handle statement = nullptr;
  duck::Result result{};
  base::Status status = base::Ok{};
  if (api().prepare(database_->connection, sql.c_str(), &statement) != duck::kSuccess) {
    status = translate(api().prepare_error(statement));
  } else if (api().execute_prepared_streaming(statement, &result) != duck::kSuccess) {
    status = translate(api().result_error(&result));
  } else if (api().column_count(&result) != types.size()) {
    status = Error{Errc::internal, "DuckDB: unexpected number of columns"};
  }
  while (status) {
    Handle chunk = api().fetch_chunk(result);
    if (!chunk) {
      // The end, or a failure on the way.
      const char* message = api().result_error(&result);
      if (message && *message) status = translate(message);
      break;
    }
    const idx_t n = api().data_chunk_get_size(chunk);
    std::vector<const void*> data(types.size());
    std::vector<const uint64_t*> validity(types.size());
    for (size_t c = 0; c < types.size(); ++c) {
      Handle vector = api().data_chunk_get_vector(chunk, c);
      data[c] = api().vector_get_data(vector);
      validity[c] = api().vector_get_validity(vector);
    }
    for (idx_t row = 0; row < n; ++row) {
      for (size_t c = 0; c < types.size(); ++c)
        send_cell(sink, static_cast<int>(c), types[c], data[c], validity[c], row);
      sink.end_row();
    }
    api().destroy_data_chunk(&chunk);
    if (n == 0) break;
  }
  api().destroy_result(&result);
  api().destroy_prepare(&statement);
  return status;
}

base::Status Engine::execute(const std::string& sql) {
  base::Result<Rows> rows = query(sql, {});
  if (!rows) return rows.error();
  return base::Ok{};
}

base::Result<Cell> Engine::scalar(const std::string& sql, Type type) {
  base::Result<Rows> rows = query(sql, {type});
  if (!rows) return rows.error();
  return rows->count == 0 ? Cell() : rows->columns[0][0];
}

std::string find_duckdb() {
  if (const char* set = std::getenv("TESSERA_DUCKDB"); set && *set) return set;
  std::error_code ignored;
  const std::filesystem::path program =
      std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (std::filesystem::path folder = program; !folder.empty(); folder = folder.parent_path()) {
    for (const char* place :
         {"libduckdb.so", ".deps/lib/libduckdb.so", "lib/libduckdb.so", "lib/tessera/libduckdb.so"})
      if (std::filesystem::exists(folder / place, ignored)) return folder / place;
    if (folder == folder.root_path()) break;
  }
  return "libduckdb.so";
}

}  // namespace tools::data
