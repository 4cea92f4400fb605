// Fontconfig keeps what it read of its configuration until the process ends; that is no leak of
// ours.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }
