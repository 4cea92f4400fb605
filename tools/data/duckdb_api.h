#pragma once

#include <cstdint>

/// The part of DuckDB's C API (MIT, duckdb.h of 1.5.5) that engine.cpp calls, as pointers that are
/// looked up in libduckdb.so at run time. Names and layouts are those of its header; nothing else
/// of DuckDB is needed to build.
namespace tools::data::duck {

using idx_t = uint64_t;
enum State : int { kSuccess = 0, kError = 1 };
enum TypeId : int { kBoolean = 1, kBigint = 5, kDouble = 11, kTimestamp = 12, kVarchar = 17 };

using Handle =
    struct Opaque*;  // database, connection, config, chunk, vector, type, value, function, *_info

struct Result {
  idx_t columns, rows, changed;
  void* column_data;
  char* error;
  void* internal;
};

union String {
  struct {
    uint32_t length;
    char prefix[4];
    char* data;
  } pointer;
  struct {
    uint32_t length;
    char data[12];
  } inlined;
};

using Callback = void (*)(Handle info);
using ScanCallback = void (*)(Handle info, Handle chunk);
using Delete = void (*)(void*);

// Each line: return type, name without "duckdb_", parameters.
#define TESSERA_DUCKDB_API(X)                                                    \
  X(State, create_config, (Handle*))                                             \
  X(State, set_config, (Handle, const char*, const char*))                       \
  X(void, destroy_config, (Handle*))                                             \
  X(State, open_ext, (const char*, Handle*, Handle, char**))                     \
  X(void, close, (Handle*))                                                      \
  X(State, connect, (Handle, Handle*))                                           \
  X(void, disconnect, (Handle*))                                                 \
  X(State, query, (Handle, const char*, Result*))                                \
  X(State, prepare, (Handle, const char*, Handle*))                              \
  X(const char*, prepare_error, (Handle))                                        \
  X(void, destroy_prepare, (Handle*))                                            \
  X(State, execute_prepared_streaming, (Handle, Result*))                        \
  X(void, destroy_result, (Result*))                                             \
  X(const char*, result_error, (Result*))                                        \
  X(idx_t, column_count, (Result*))                                              \
  X(Handle, fetch_chunk, (Result))                                               \
  X(idx_t, data_chunk_get_size, (Handle))                                        \
  X(Handle, data_chunk_get_vector, (Handle, idx_t))                              \
  X(void, data_chunk_set_size, (Handle, idx_t))                                  \
  X(void, destroy_data_chunk, (Handle*))                                         \
  X(void*, vector_get_data, (Handle))                                            \
  X(uint64_t*, vector_get_validity, (Handle))                                    \
  X(void, vector_ensure_validity_writable, (Handle))                             \
  X(void, vector_assign_string_element_len, (Handle, idx_t, const char*, idx_t)) \
  X(Handle, create_logical_type, (TypeId))                                       \
  X(void, destroy_logical_type, (Handle*))                                       \
  X(int64_t, get_int64, (Handle))                                                \
  X(void, destroy_value, (Handle*))                                              \
  X(void, free, (void*))                                                         \
  X(const char*, library_version, ())                                            \
  X(Handle, create_table_function, ())                                           \
  X(void, destroy_table_function, (Handle*))                                     \
  X(void, table_function_set_name, (Handle, const char*))                        \
  X(void, table_function_add_parameter, (Handle, Handle))                        \
  X(void, table_function_set_extra_info, (Handle, void*, Delete))                \
  X(void, table_function_set_bind, (Handle, Callback))                           \
  X(void, table_function_set_init, (Handle, Callback))                           \
  X(void, table_function_set_function, (Handle, ScanCallback))                   \
  X(void, table_function_supports_projection_pushdown, (Handle, bool))           \
  X(State, register_table_function, (Handle, Handle))                            \
  X(void*, bind_get_extra_info, (Handle))                                        \
  X(Handle, bind_get_parameter, (Handle, idx_t))                                 \
  X(void, bind_add_result_column, (Handle, const char*, Handle))                 \
  X(void, bind_set_bind_data, (Handle, void*, Delete))                           \
  X(void, bind_set_cardinality, (Handle, idx_t, bool))                           \
  X(void, bind_set_error, (Handle, const char*))                                 \
  X(void*, init_get_bind_data, (Handle))                                         \
  X(idx_t, init_get_column_count, (Handle))                                      \
  X(idx_t, init_get_column_index, (Handle, idx_t))                               \
  X(void, init_set_init_data, (Handle, void*, Delete))                           \
  X(void, init_set_max_threads, (Handle, idx_t))                                 \
  X(void, init_set_error, (Handle, const char*))                                 \
  X(void*, function_get_init_data, (Handle))                                     \
  X(void, function_set_error, (Handle, const char*))

struct Api {
#define TESSERA_DUCKDB_POINTER(type, name, parameters) type(*name) parameters = nullptr;
  TESSERA_DUCKDB_API(TESSERA_DUCKDB_POINTER)
#undef TESSERA_DUCKDB_POINTER
};

}  // namespace tools::data::duck
